//! A decision as people and programs outside the gateway see it: tests, previews, the command line.

use domain::audit::{Charge, Code, Outcome, Shadow};
use serde::Serialize;

/// What was decided on one call, with its charges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Forwarded, refused, or held for a person.
    pub outcome: Outcome,
    /// Why.
    pub code: Code,
    /// Which rule decided, as a pointer into the policy.
    pub rule: Option<String>,
    /// The sentence the agent would be told; empty where the call is let through.
    pub message: String,
    /// What shadow rules would have done.
    pub shadow: Vec<Shadow>,
    /// What each limit was charged, or would have been where the call is refused.
    pub charges: Vec<Charge>,
    /// How long until the same call would fit; none where waiting does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
