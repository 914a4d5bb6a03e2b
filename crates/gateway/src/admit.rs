//! Decide, charge, record: the only place where a [`Permit`] is made.

use std::{borrow::Cow, sync::Arc, time::Duration};

use domain::{
    OrgId,
    audit::{Charge, Code},
};
use limits::{Bucket, Buckets, Proof, Taken};
use policy::{Judgement, Limit, LimitScope, Pass, Refill, Verdict};

use crate::{
    refusal::Refusal,
    routes::GrantEntry,
    settle::{Charged, Settle},
    turn::Turn,
};

/// Proof that a request was decided, charged and recorded. `forward` takes one, so none of these
/// can be skipped.
pub(crate) struct Permit {
    settle: Settle,
}

impl Permit {
    /// Spends the permit. The duty to record the outcome goes with it.
    pub(crate) fn spend(self) -> Settle {
        self.settle
    }
}

/// What is to be admitted.
pub(crate) enum Ask<'e> {
    /// A `tools/call`, as the policy's engine judged it.
    Call(Judgement<'e>),
    /// `initialize`.
    Initialize,
    /// Any other method, and `GET` and `DELETE`.
    Other,
}

/// Requests other than `tools/call` that a grant may make in a minute.
const OTHERS_A_MINUTE: u64 = 600;
/// Handshakes that a grant may make in a minute.
const HANDSHAKES_A_MINUTE: u64 = 60;

/// Charges what the verdict asks for and records the decision.
pub(crate) async fn admit(turn: &Turn, ask: Ask<'_>) -> Result<Permit, Refusal> {
    let grant = &turn.caller.grant;
    let limits: Cow<'_, [Limit]> = match &ask {
        Ask::Call(judgement) => match &judgement.verdict {
            Verdict::Refuse(refusal) => return Err(refused(refusal, None, Vec::new())),
            Verdict::Pass(Pass { limits, .. }) => Cow::Borrowed(limits),
        },
        Ask::Initialize | Ask::Other => Cow::Borrowed(&[]),
    };
    let buckets: Vec<Bucket> = match &ask {
        Ask::Call(_) => limits
            .iter()
            .map(|limit| bucket(limit, grant, turn))
            .collect(),
        // `~` stands in no counter's name, so no policy spends from these.
        Ask::Initialize => vec![own(grant, "~initialize", HANDSHAKES_A_MINUTE)],
        Ask::Other => vec![own(grant, "~other", OTHERS_A_MINUTE)],
    };
    let mut failed_open = false;
    let mut charged = None;
    if !buckets.is_empty() {
        match turn.gateway.limiter.take(&buckets).await {
            Ok(Taken::Charged(receipt)) => charged = Some(Charged { buckets, receipt }),
            Ok(Taken::Wait {
                refused: at,
                retry_after,
                left,
            }) => {
                let retry_after_ms = retry_after.map(millis);
                return Err(match limits.get(at) {
                    Some(limit) => {
                        let tool = turn.tool.as_deref().unwrap_or_default();
                        let left = left.get(at).copied().unwrap_or(0);
                        let refusal = limit.refusal(tool, retry_after_ms);
                        refused(&refusal, retry_after_ms, vec![charge(limit, left)])
                    }
                    None => Refusal::TooManyRequests { retry_after_ms },
                });
            }
            Err(error) if grant.server.fail_open => {
                tracing::warn!(event.id = %turn.event, %error, "let through without its limits");
                failed_open = true;
            }
            Err(error) => {
                tracing::warn!(event.id = %turn.event, %error, "refused");
                return Err(Refusal::LimitsUnavailable);
            }
        }
    }
    let charges = match &charged {
        Some(charged) => limits
            .iter()
            .zip(&charged.receipt.left)
            .map(|(limit, left)| charge(limit, *left))
            .collect(),
        None => Vec::new(),
    };
    if let Err(error) = turn.allowed(charges, failed_open) {
        tracing::error!(event.id = %turn.event, %error, "refused, because it could not be recorded");
        if let Some(charged) = &charged {
            let limiter = &turn.gateway.limiter;
            // Nothing was sent; a store that fails now keeps the charge, which is the safe side.
            let _ = limiter
                .give_back(&charged.buckets, &charged.receipt, Proof::NothingSent)
                .await;
        }
        return Err(Refusal::AuditUnavailable);
    }
    let gateway = Arc::clone(&turn.gateway);
    Ok(Permit {
        settle: Settle::new(
            gateway,
            turn.event,
            turn.caller.org_id(),
            charged,
            turn.place.clone(),
        ),
    })
}

/// The engine's refusal as the wire's. What the list does not show is unknown.
fn refused(
    refusal: &policy::Refusal<'_>,
    retry_after_ms: Option<u64>,
    charges: Vec<Charge>,
) -> Refusal {
    let rule = refusal.rule.as_deref().map(str::to_owned);
    match refusal.code {
        code @ (Code::Hidden | Code::UnknownTool | Code::DefaultDeny) => {
            Refusal::Unknown { code, rule }
        }
        code => Refusal::Policy {
            code,
            rule,
            message: refusal.message.clone().into_owned(),
            retry_after_ms,
            charges,
        },
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

/// The bucket that a limit names for this call: `policy.md`, section 4, "counter".
fn bucket(limit: &Limit, grant: &GrantEntry, turn: &Turn) -> Bucket {
    let refill = match limit.refill {
        Refill::Sliding => "sliding",
        Refill::Steady => "steady",
        Refill::Calendar => "calendar",
    };
    let org = turn.caller.org_id();
    let mut key = String::with_capacity(grant.bucket_prefix.len() + limit.counter.len() + 24);
    match limit.scope {
        // A client can open new sessions, so a session's limit is held per grant.
        LimitScope::Grant | LimitScope::Session => key.push_str(&grant.bucket_prefix),
        LimitScope::Server => key.push_str(&format!("{{{org}}}:server:{}:", grant.server.id)),
        LimitScope::Org => key.push_str(&format!("{{{org}}}:org:{org}:")),
        LimitScope::Identity => match &grant.route.identity {
            Some(identity) => key.push_str(&of_identity(org, identity.as_str())),
            None => key.push_str(&grant.bucket_prefix),
        },
    }
    key.push_str(&limit.counter);
    key.push(':');
    key.push_str(&(limit.window_ms / 1000).to_string());
    key.push(':');
    key.push_str(refill);
    Bucket {
        key,
        max: limit.max,
        cost: 1,
        window: Duration::from_millis(limit.window_ms),
    }
}

/// How the buckets of an identity begin. Its length comes first, because both it and a counter's
/// name may have colons: `ci` with `x:calls` and `ci:x` with `calls` are two buckets.
fn of_identity(org: OrgId, identity: &str) -> String {
    format!("{{{org}}}:identity:{}:{identity}:", identity.len())
}

fn own(grant: &GrantEntry, counter: &str, max: u64) -> Bucket {
    let key = format!("{}{counter}:60:sliding", grant.bucket_prefix);
    Bucket {
        key,
        max,
        cost: 1,
        window: Duration::from_secs(60),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_and_a_counter_never_read_like_two_others() {
        let org = OrgId::generate();
        let one = format!("{}x:calls", of_identity(org, "ci"));
        let other = format!("{}calls", of_identity(org, "ci:x"));
        assert_ne!(one, other);
    }
}
