//! One call against fresh counters: what the gateway would decide, without charging anything.

use domain::{Capability, Scope, ServerId, ToolClass};
use json::Document;
use policy::{Call, Counters, Explanation, GrantFacts};
use time::OffsetDateTime;

use super::{
    ActionError, Result, require,
    subject::{Rules, Subject},
};
use crate::state::Console;

/// Who calls, as a policy sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    pub label: String,
    pub identity: Option<String>,
    pub labels: Vec<(String, String)>,
}

impl Caller {
    pub(crate) fn facts(&self) -> GrantFacts<'_> {
        GrantFacts {
            label: &self.label,
            identity: self.identity.as_deref(),
            labels: &self.labels,
        }
    }
}

/// The call that is asked about.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub tool: String,
    /// A JSON object as text; none where the call has no `arguments`.
    pub arguments: Option<String>,
    pub caller: Caller,
    /// The tool's class, in place of the inventory's.
    pub class: Option<ToolClass>,
    pub at: OffsetDateTime,
}

/// Judges one call by a document or by a stored policy. A stored policy brings its own server.
pub(crate) async fn decide(
    console: &Console,
    scope: &Scope,
    rules: Rules<'_>,
    server: Option<ServerId>,
    asked: Asked,
) -> Result<Explanation> {
    require(scope, Capability::See)?;
    let subject = Subject::load(console, scope, rules, server).await?;
    console.desk.work(move || judge(&subject, &asked)).await?
}

/// The same, of what was read already.
///
/// # Errors
/// The document's faults; `/args` that are no strict JSON; `/at` before 1970.
pub(crate) fn judge(subject: &Subject, asked: &Asked) -> Result<Explanation> {
    let policy = subject.policy()?;
    let engine = subject.engine(&policy);
    let bounds = json::Bounds {
        bytes_max: asked.arguments.as_ref().map_or(0, String::len),
        depth_max: super::ARGUMENTS_DEPTH_MAX,
    };
    let arguments = asked
        .arguments
        .as_ref()
        .map(|text| Document::parse(text.as_bytes(), bounds))
        .transpose()
        .map_err(|fault| ActionError::field("/args", fault))?;
    let call = Call {
        tool: &asked.tool,
        arguments: arguments.as_ref().map(Document::root),
        grant: asked.caller.facts(),
        class: asked.class,
        now_unix_ms: unix_ms(asked.at)?,
    };
    Ok(Counters::new().explain(&engine, &call))
}

/// A moment as the engine counts it.
///
/// # Errors
/// `/at` before 1970.
pub(crate) fn unix_ms(at: OffsetDateTime) -> Result<u64> {
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000)
        .map_err(|_| ActionError::field("/at", "must be after 1970"))
}
