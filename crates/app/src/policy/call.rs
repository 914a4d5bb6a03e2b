//! One call as it is given on the command line or in a file, read as the gateway would read it.

use std::collections::BTreeMap;

use domain::{
    Identity, Label, ToolName,
    audit::{Code, Outcome},
};
use json::{Bounds, Document, FaultKind, Kind};
use policy::{Call, Counters, Decision, Engine, Explanation, GrantFacts};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// What the gateway takes of arguments: a body of 4 MiB, nested 64 deep, of which the message and
/// its parameters are two levels.
const ARGUMENTS: Bounds = Bounds {
    bytes_max: 4 << 20,
    depth_max: 62,
};
const GRANT: Bounds = Bounds {
    bytes_max: 64 << 10,
    depth_max: 4,
};

/// A call that has not been judged.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) tool: String,
    /// As it was written; none where the call has no arguments.
    pub(super) arguments: Option<String>,
    pub(super) grant: Grant,
    pub(super) now_unix_ms: u64,
}

/// A grant as a policy sees it.
#[derive(Debug, Default)]
pub(super) struct Grant {
    label: Option<Label>,
    identity: Option<Identity>,
    labels: Vec<(String, String)>,
}

/// One line of a file of calls.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) tool: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) args: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) grant: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) at: Option<String>,
}

/// A field may be left out, but null is no way to leave it out.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Reads a grant strictly.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn grant(text: &str) -> Result<Grant, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        #[serde(default, deserialize_with = "present")]
        label: Option<Label>,
        #[serde(default, deserialize_with = "present")]
        identity: Option<Identity>,
        #[serde(default)]
        labels: BTreeMap<String, String>,
    }
    Document::parse(text.as_bytes(), GRANT).map_err(|fault| format!("the grant: {fault}"))?;
    let form: Form = serde_json::from_str(text).map_err(|error| format!("the grant: {error}"))?;
    Ok(Grant {
        label: form.label,
        identity: form.identity,
        labels: form.labels.into_iter().collect(),
    })
}

/// Reads a time, in milliseconds since 1970.
///
/// # Errors
/// What would be right, in words.
pub(super) fn instant(text: &str) -> Result<u64, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .and_then(|time| u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok())
        .ok_or_else(|| {
            format!(
                "{text:?} is no time after 1970 as RFC 3339 has it, such as 2026-01-05T09:00:00Z"
            )
        })
}

impl Asked {
    /// Decides the call and charges it. One that the gateway would not take for a call at all is
    /// refused as it would refuse it, and charges nothing.
    ///
    /// # Errors
    /// The arguments are no JSON, so nobody can say what the call is.
    pub(super) fn decide(
        &self,
        engine: &Engine,
        counters: &mut Counters,
        explain: bool,
    ) -> Result<Explanation, String> {
        if let Err(bad) = self.tool.parse::<ToolName>() {
            return Ok(refused(Code::Malformed, format!("params.name {bad}")));
        }
        let read = self
            .arguments
            .as_deref()
            .map(|text| Document::parse(text.as_bytes(), ARGUMENTS));
        let document = match read.transpose() {
            Ok(document) => document,
            Err(fault) => {
                return match fault.kind {
                    FaultKind::TooLong => Ok(refused(Code::TooLarge, fault.to_string())),
                    FaultKind::TooDeep | FaultKind::DuplicateKey | FaultKind::LoneSurrogate => {
                        let detail =
                            format!("The body is not strict JSON: {fault} of the arguments");
                        Ok(refused(Code::Malformed, detail))
                    }
                    _ => Err(format!("the arguments are not JSON: {fault}")),
                };
            }
        };
        let arguments = document.as_ref().map(Document::root);
        if arguments.is_some_and(|arguments| arguments.kind() != Kind::Object) {
            let detail = "params.arguments must be an object".to_owned();
            return Ok(refused(Code::Malformed, detail));
        }
        let call = Call {
            tool: &self.tool,
            arguments,
            grant: GrantFacts {
                label: self.grant.label.as_ref().map_or("", Label::as_str),
                identity: self.grant.identity.as_ref().map(Identity::as_str),
                labels: &self.grant.labels,
            },
            class: None,
            now_unix_ms: self.now_unix_ms,
        };
        Ok(if explain {
            counters.explain(engine, &call)
        } else {
            Explanation {
                decision: counters.decide(engine, &call),
                steps: Vec::new(),
            }
        })
    }
}

/// A refusal that comes before any rule.
fn refused(code: Code, message: String) -> Explanation {
    Explanation {
        decision: Decision {
            outcome: Outcome::Deny,
            code,
            rule: None,
            message,
            shadow: Vec::new(),
            charges: Vec::new(),
            retry_after_ms: None,
        },
        steps: Vec::new(),
    }
}
