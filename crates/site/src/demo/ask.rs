//! What the address asks.

use catalog::attacks::AttackRule;
use serde::Deserialize;
use serde_json::Value;

use super::examples::{FIRST, POLICY};

/// The longest policy that is read, in bytes.
pub(super) const POLICY_BYTES_MAX: usize = 8 * 1024;
/// The longest arguments that are read, in bytes.
pub(super) const ARGUMENTS_BYTES_MAX: usize = 4 * 1024;
/// The last call that can be asked for.
pub(super) const CALLS_MAX: u32 = 100;

/// The parameters of the address, all of them optional.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    /// The policy's text, at most 8 KiB. Without it: the example's, or the attack's.
    policy: Option<String>,
    /// The tool that is called.
    tool: Option<String>,
    /// Its arguments, a JSON object of at most 4 KiB.
    arguments: Option<String>,
    /// The how many-th such call within the minute it is, from 1 to 100; 1 without it.
    call: Option<String>,
    /// Anything here means one more than `call` says: the button that calls again.
    again: Option<String>,
    /// The id of an attack of the database, whose rule and call are taken where the address has none.
    attack: Option<String>,
}

impl Wanted {
    /// Whether the address asks for anything.
    pub(crate) fn is_empty(&self) -> bool {
        let all = [
            &self.policy,
            &self.tool,
            &self.arguments,
            &self.call,
            &self.again,
            &self.attack,
        ];
        all.into_iter().all(Option::is_none)
    }
}

/// An attack whose rule is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attack {
    pub(crate) id: String,
    pub(crate) name: String,
    /// What its rule does.
    pub(crate) explanation: String,
}

/// The call that is asked about.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) policy: String,
    pub(crate) tool: String,
    pub(crate) arguments: String,
    /// None: what the address says is no number of a call.
    pub(crate) call: Option<u32>,
    pub(crate) attack: Option<Attack>,
}

impl Asked {
    pub(super) fn of(wanted: Wanted) -> Self {
        let known = wanted.attack.as_deref().and_then(catalog::attacks::attack);
        let ruled = known.and_then(|attack| Some((attack, attack.rule.as_ref()?)));
        let nothing = wanted.is_empty();
        let (policy, tool, arguments) = match ruled {
            Some((_, rule)) => {
                let call = rule.call();
                let arguments = serde_json::to_string_pretty(&call.arguments).unwrap_or_default();
                (rule.document.trim().to_owned(), call.tool, arguments)
            }
            None => (
                POLICY.to_owned(),
                FIRST.tool.to_owned(),
                FIRST.arguments.to_owned(),
            ),
        };
        let call = match wanted.call.as_deref().map(str::trim) {
            None | Some("") if nothing => Some(FIRST.call),
            None | Some("") => Some(ruled.map_or(1, |(_, rule)| repeated(rule))),
            Some(text) => text
                .parse()
                .ok()
                .filter(|call| (1..=CALLS_MAX).contains(call)),
        };
        let again = u32::from(wanted.again.is_some());
        Self {
            // A form's lines end with two characters.
            policy: wanted
                .policy
                .map_or(policy, |text| text.replace("\r\n", "\n")),
            tool: wanted.tool.map_or(tool, |text| text.trim().to_owned()),
            arguments: wanted.arguments.map_or(arguments, |text| {
                text.replace("\r\n", "\n").trim().to_owned()
            }),
            call: call.map(|call| (call + again).min(CALLS_MAX)),
            attack: ruled.map(|(attack, rule)| Attack {
                id: attack.id.clone(),
                name: attack.name.clone(),
                explanation: rule.explanation.clone(),
            }),
        }
    }
}

/// The how many-th call is the attack's: its rule may be a limit.
fn repeated(rule: &AttackRule) -> u32 {
    let document: Value = serde_json::from_str(&rule.document).unwrap_or_default();
    let times = document["tests"][0]["repeat"].as_u64().unwrap_or(1);
    u32::try_from(times).map_or(CALLS_MAX, |times| times.clamp(1, CALLS_MAX))
}
