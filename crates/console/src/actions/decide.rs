//! One call against fresh counters: what the gateway would decide, without charging anything.

use domain::audit::{Charge, Code, Outcome};
use policy::{Call, Engine, Limit, Verdict};

/// The decision on one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub outcome: Outcome,
    pub code: Code,
    /// Which rule decided, as a pointer into the policy.
    pub rule: Option<String>,
    /// The sentence the agent would be told; empty where the call is let through.
    pub message: String,
    /// What each limit would be charged.
    pub charges: Vec<Charge>,
    /// How long until the same call would fit; none where waiting does not help.
    pub retry_after_ms: Option<u64>,
}

/// Judges a call with every bucket full. Only a limit of zero can refuse it then.
pub(crate) fn fresh(engine: &Engine, call: &Call<'_>) -> Decision {
    let limits = match engine.judge(call) {
        Verdict::Refuse(refusal) => {
            return Decision {
                outcome: Outcome::Deny,
                code: refusal.code,
                rule: refusal.rule.map(std::borrow::Cow::into_owned),
                message: refusal.message.into_owned(),
                charges: Vec::new(),
                retry_after_ms: None,
            };
        }
        Verdict::Charge(limits) => limits,
    };
    let Some(empty) = limits.iter().find(|limit| limit.max == 0) else {
        return Decision {
            outcome: Outcome::Allow,
            code: Code::Allowed,
            rule: None,
            message: String::new(),
            charges: limits.iter().map(|limit| charge(limit, limit.max - 1)).collect(),
            retry_after_ms: None,
        };
    };
    let refusal = empty.refusal(call.tool, None);
    Decision {
        outcome: Outcome::Deny,
        code: refusal.code,
        rule: refusal.rule.map(std::borrow::Cow::into_owned),
        message: refusal.message.into_owned(),
        charges: limits.iter().map(|limit| charge(limit, limit.max)).collect(),
        retry_after_ms: None,
    }
}

fn charge(limit: &Limit, left: u64) -> Charge {
    Charge {
        counter: limit.counter.clone(),
        rule: limit.rule.clone(),
        cost: 1,
        max: limit.max,
        left,
        window_ms: limit.window_ms,
    }
}
