//! A decision as people and programs outside the gateway see it: tests, previews, the command line.

use domain::audit::{Charge, Code, Outcome, Shadow};
use serde::Serialize;

use crate::{engine::Refusal, limit::Approval, message};

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
    /// What each limit was charged; where a limit or `concurrent` refuses, what each limit that is
    /// not in shadow would have been. Empty where an earlier rule refuses or holds the call.
    pub charges: Vec<Charge>,
    /// How long until the same call would fit; none where waiting does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Decision {
    pub(crate) fn allowed(shadow: Vec<Shadow>) -> Self {
        Self {
            outcome: Outcome::Allow,
            code: Code::Allowed,
            rule: None,
            message: String::new(),
            shadow,
            charges: Vec::new(),
            retry_after_ms: None,
        }
    }

    pub(crate) fn refused(refusal: Refusal<'_>, shadow: Vec<Shadow>) -> Self {
        Self {
            outcome: Outcome::Deny,
            code: refusal.code,
            rule: refusal.rule.map(Into::into),
            message: refusal.message.into(),
            ..Self::allowed(shadow)
        }
    }

    /// Held for a person. Nothing is charged before the answer.
    pub(crate) fn held(approval: &Approval, tool: &str, shadow: Vec<Shadow>) -> Self {
        Self {
            outcome: Outcome::Approval,
            code: Code::ApprovalRequired,
            rule: Some(approval.rule.clone()),
            message: message::held(approval, tool),
            ..Self::allowed(shadow)
        }
    }
}
