//! Checks on arguments: each does what it says as it stands, with nothing to fill in.

use domain::{catalogue::KnownTool, tools::ToolClass};

use super::{
    arguments::{Meaning, typed},
    words::Pace,
};

/// So many arguments of one meaning get a check.
const OF_A_MEANING_MAX: usize = 3;
/// The most that one payment may be, in whatever unit the tool takes.
const AMOUNT_MAX: u64 = 100;
/// The same where the argument's name says that it counts cents.
const CENTS_MAX: u64 = 10_000;

/// A step up in a path, and places where keys are kept.
const UP: &str = r"(^|[/\\])\.\.([/\\]|$)";
const KEYS: &str = r"(?i)(^|[/\\])\.(ssh|aws|gnupg|kube|docker|env|env\.[^/\\]*|netrc|npmrc|pypirc|git-credentials)([/\\]|$)";
/// Addresses inside a network. Other spellings of an address are undecided to `host_in`, so the
/// check beside this one refuses them.
const INSIDE: &str = r"^(?i:https?)://((10|127|0|169\.254|192\.168|172\.(1[6-9]|2[0-9]|3[01])|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))\.[0-9.]+([:/?#]|$)|\[)";
const PROTECTED: &str =
    r"(?i)^\s*(refs/)?(heads/)?(main|master|trunk|production|prod|release([/.-].*)?)\s*$";
const JOINED: &str = r"[;&|<>`\n\r]|\$\(";
const SELECT: &str = r"^(?is)\s*select\b[^;]*$";

/// Checks on one argument.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard<'a> {
    /// Its path, without `args.`.
    pub(super) path: &'a str,
    pub(super) meaning: Meaning,
}

/// A check as it is written.
pub(super) struct Check {
    /// `require` or `deny_if`.
    pub(super) list: &'static str,
    /// The conditions, as operators with their values in JSON.
    pub(super) conditions: Vec<(&'static str, String)>,
    pub(super) on_deny: String,
    /// Whether a call without the argument passes.
    pub(super) missing_passes: bool,
    /// What a test calls it, and a value that it refuses, in JSON.
    pub(super) example: (String, serde_json::Value),
}

/// Every check for a tool that is let through.
pub(super) fn guards(tool: &KnownTool) -> Vec<Guard<'_>> {
    let of = |meaning| -> Vec<Guard<'_>> {
        let found = typed(tool, meaning).take(OF_A_MEANING_MAX);
        let guards = found.map(|argument| Guard {
            path: &argument.path,
            meaning,
        });
        guards.collect()
    };
    let mut guards = of(Meaning::FilePath);
    guards.extend(of(Meaning::WebAddress));
    if matches!(tool.class, ToolClass::Write | ToolClass::Execute) {
        guards.extend(of(Meaning::Branch));
        guards.extend(of(Meaning::Force));
    }
    if super::runs_anything(tool) {
        guards.extend(of(Meaning::Command));
        guards.extend(of(Meaning::Sql));
    }
    guards
}

/// Bounds on what a tool that costs money pays.
pub(super) fn amounts(tool: &KnownTool) -> impl Iterator<Item = Guard<'_>> {
    let costs = tool.class == ToolClass::Financial;
    let found = typed(tool, Meaning::Amount).filter(move |_| costs);
    found.take(OF_A_MEANING_MAX).map(|argument| Guard {
        path: &argument.path,
        meaning: Meaning::Amount,
    })
}

impl Guard<'_> {
    fn amount_max(&self) -> u64 {
        match self.path.to_ascii_lowercase().ends_with("cents") {
            true => CENTS_MAX,
            false => AMOUNT_MAX,
        }
    }

    /// What it does, in a sentence.
    pub(super) fn sentence(&self) -> String {
        let path = self.path;
        match self.meaning {
            Meaning::FilePath => format!(
                "Refuses a {path} that goes up with \"..\" or into a place where keys are kept, such \
                 as .ssh, .aws or .env."
            ),
            Meaning::WebAddress => format!(
                "Refuses a {path} that is not a plain http or https address on its usual port, or \
                 that names this machine, a private IPv4 or any IPv6 address; a public name that \
                 leads to a private address is not recognised."
            ),
            Meaning::Branch => format!(
                "Refuses a call that names no {path}, and the branches main, master, trunk, \
                 production, prod and release."
            ),
            Meaning::Force => format!("Refuses {path} set to true."),
            Meaning::Command => format!(
                "Refuses a {path} that joins several commands, redirects or substitutes; one \
                 plain command passes, whatever it does."
            ),
            Meaning::Sql => format!(
                "Refuses a {path} that does not begin with SELECT, or that has a semicolon; a \
                 function that a SELECT calls may still change something."
            ),
            _ => format!(
                "Refuses a call without {path}, and more than {} in one call, in whatever unit \
                 the tool takes.",
                self.amount_max()
            ),
        }
    }

    /// What can be spent in a day at this pace.
    pub(super) fn most_in_a_day(&self, pace: &Pace) -> Option<String> {
        let most = pace.a_day?.checked_mul(self.amount_max())?;
        let path = self.path;
        Some(format!(
            "So each grant spends at most {most} in a day, where {path} is the whole price."
        ))
    }

    /// A value that every check on it lets through, where a call needs one.
    pub(super) fn good(&self) -> Option<serde_json::Value> {
        match self.meaning {
            Meaning::Branch => Some("agent/fix".into()),
            Meaning::Command => Some("ls".into()),
            Meaning::Sql => Some("SELECT 1".into()),
            Meaning::Amount => Some(self.amount_max().into()),
            _ => None,
        }
    }

    /// The checks, in the order in which they are written.
    pub(super) fn checks(&self) -> Vec<Check> {
        let path = self.path;
        let deny = |op, value: String, on_deny: String, (name, bad): (&str, &str)| Check {
            list: "deny_if",
            conditions: vec![(op, value)],
            on_deny,
            missing_passes: true,
            example: (format!("{path} {name}"), bad.into()),
        };
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        match self.meaning {
            Meaning::FilePath => vec![
                deny(
                    "regex",
                    quote(UP),
                    format!("{path} may not go up with \"..\"."),
                    ("may not go up with ..", "docs/../../etc/passwd"),
                ),
                deny(
                    "regex",
                    quote(KEYS),
                    format!("{path} leads to where keys are kept."),
                    ("may not lead to keys", "/home/agent/.ssh/id_ed25519"),
                ),
            ],
            Meaning::WebAddress => vec![
                deny(
                    "host_in",
                    r#"["localhost", "*.localhost", "*.local", "*.internal"]"#.to_owned(),
                    format!("{path} must be a plain http or https address of a public host."),
                    ("may not be a file", "file:///etc/passwd"),
                ),
                deny(
                    "regex",
                    quote(INSIDE),
                    format!("{path} may not be an address inside a network."),
                    (
                        "may not be an address inside a network",
                        "http://169.254.169.254/latest/meta-data/",
                    ),
                ),
            ],
            Meaning::Branch => {
                let on_deny = format!("Name a {path} of your own, not main or a release.");
                let example = ("may not be main", "main");
                let mut check = deny("regex", quote(PROTECTED), on_deny, example);
                check.missing_passes = false;
                vec![check]
            }
            Meaning::Force => {
                let on_deny = format!("{path} is not for agents.");
                let mut check = deny("eq", "true".to_owned(), on_deny, ("may not be set", ""));
                check.example.1 = true.into();
                vec![check]
            }
            Meaning::Command => vec![deny(
                "regex",
                quote(JOINED),
                format!("{path} must be one plain command."),
                ("must be one command", "ls; rm -rf /"),
            )],
            Meaning::Sql => vec![Check {
                list: "require",
                conditions: vec![("regex", quote(SELECT))],
                on_deny: format!("{path} must be one SELECT."),
                missing_passes: false,
                example: (
                    format!("{path} must be a SELECT"),
                    "DROP TABLE users".into(),
                ),
            }],
            _ => {
                let most = self.amount_max();
                vec![Check {
                    list: "require",
                    conditions: vec![("gte", "0".to_owned()), ("lte", most.to_string())],
                    on_deny: format!("{path} may be at most {most}."),
                    missing_passes: false,
                    example: (format!("{path} has a bound"), (most + 1).into()),
                }]
            }
        }
    }
}
