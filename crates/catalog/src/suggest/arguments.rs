//! What an argument is, by its name and its type.

use domain::catalogue::{KnownArgument, KnownTool};

use crate::words::words;

/// What an argument of a known meaning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The path of a file or folder.
    FilePath,
    /// The address of something on the web.
    WebAddress,
    /// A branch of a repository.
    Branch,
    /// A flag that turns off a safeguard.
    Force,
    /// A command of a shell.
    Command,
    /// A query in SQL.
    Sql,
    /// Code that is run.
    Code,
    /// An amount of money.
    Amount,
    /// Whom something is sent to.
    Recipient,
    /// A password, a key or a token.
    Secret,
}

/// Words before `url` that leave it the address of something on the web. A repository's or a
/// database's is often of another scheme.
const WEB: [&str; 18] = [
    "page", "site", "website", "web", "image", "video", "audio", "media", "file", "document",
    "pdf", "target", "link", "article", "feed", "webhook", "callback", "start",
];

/// What an argument is, where its name says so.
pub(super) fn meaning(argument: &KnownArgument) -> Option<Meaning> {
    let kind = argument.kind.as_deref();
    let text = matches!(kind, Some("string") | None);
    let number = matches!(kind, Some("number" | "integer") | None);
    let flag = matches!(kind, Some("boolean") | None);
    let last = argument.path.rsplit('.').next().unwrap_or_default();
    let words = words(last);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Some(match words[..] {
        [] => return None,
        [.., "path" | "filepath" | "dir" | "directory" | "filename"] if text => Meaning::FilePath,
        [.., "file", "name"] if text => Meaning::FilePath,
        ["url"] if text => Meaning::WebAddress,
        [first, "url"] if text && WEB.contains(&first) => Meaning::WebAddress,
        ["branch"] | ["branch", "name"] | ["target", "branch"] if text => Meaning::Branch,
        ["force"] | ["force", "push"] if flag => Meaning::Force,
        ["command" | "cmd"] | ["shell" | "cli" | "bash", "command"] if text => Meaning::Command,
        ["sql"] | ["sql", "query" | "statement"] | ["query", "sql"] if text => Meaning::Sql,
        ["code" | "script"] | ["python" | "source" | "java", "code" | "script"] if text => {
            Meaning::Code
        }
        ["amount"] | [.., "amount"] | ["amount", "cents"] | ["amount", "in", "cents"]
            if number && !words.contains(&"min") && !words.contains(&"max") =>
        {
            Meaning::Amount
        }
        ["to" | "cc" | "bcc" | "recipient" | "recipients" | "email"] => Meaning::Recipient,
        ["recipient", "email" | "address"] | ["to", "address" | "email"] => Meaning::Recipient,
        [.., "password" | "secret"]
        | ["token"]
        | ["access" | "api" | "auth", "token" | "key"]
        | ["private", "key"]
            if text =>
        {
            Meaning::Secret
        }
        _ => return None,
    })
}

/// The arguments of a meaning that a rule can name and whose type is known: a check on a value of
/// another type would refuse every call.
pub(super) fn typed(
    tool: &KnownTool,
    wanted: Meaning,
) -> impl Iterator<Item = &KnownArgument> + '_ {
    let arguments = tool.args.iter().flatten();
    arguments.filter(move |argument| {
        argument.kind.is_some() && is_plain(&argument.path) && meaning(argument) == Some(wanted)
    })
}

/// Whether the path can stand in a policy as it is.
fn is_plain(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    path.len() <= 128
        && path
            .split('.')
            .all(|step| !step.is_empty() && step.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, kind: &str) -> Option<Meaning> {
        meaning(&KnownArgument {
            path: path.to_owned(),
            kind: Some(kind.to_owned()),
            required: false,
        })
    }

    #[test]
    fn names_say_what_an_argument_is_and_types_can_refute_it() {
        for (path, kind, expected) in [
            ("path", "string", Some(Meaning::FilePath)),
            ("path", "object", None),
            ("params.outputDir", "string", Some(Meaning::FilePath)),
            ("fileName", "string", Some(Meaning::FilePath)),
            ("url", "string", Some(Meaning::WebAddress)),
            ("imageUrl", "string", Some(Meaning::WebAddress)),
            ("repo_url", "string", None),
            ("branch", "string", Some(Meaning::Branch)),
            ("branchFromThought", "integer", None),
            ("force", "boolean", Some(Meaning::Force)),
            ("time_in_force", "string", None),
            ("buildCommand", "string", None),
            ("sqlQuery", "string", Some(Meaning::Sql)),
            ("amountCents", "number", Some(Meaning::Amount)),
            ("min_amount", "number", None),
            ("amount", "string", None),
            ("countryCode", "string", None),
            ("pageToken", "string", None),
            ("", "string", None),
        ] {
            assert_eq!(of(path, kind), expected, "{path} {kind}");
        }
    }
}
