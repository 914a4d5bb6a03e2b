//! Decide, charge, record: the only place where a [`Permit`] is made.

use std::{sync::Arc, time::Duration};

use domain::{
    OrgId,
    audit::{Charge, Code, Shadow},
};
use limits::{Bucket, Buckets, Proof, Receipt, Taken};
use policy::{Judgement, LimitScope, Mode, Pass, Refill, Spend, Verdict};

use crate::{
    refusal::Refusal,
    result_max::ResultMax,
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
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one call, which a box would cost an allocation"
)]
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
pub(crate) async fn admit(turn: &mut Turn, ask: Ask<'_>) -> Result<Permit, Refusal> {
    let grant = &turn.caller.grant;
    let (pass, buckets) = match ask {
        Ask::Call(Judgement { verdict, shadow }) => {
            turn.shadow = shadow;
            let pass = match verdict {
                Verdict::Refuse(refusal) => return Err(refused(&refusal, None, Vec::new())),
                Verdict::Pass(pass) => pass,
            };
            let buckets = pass.spends().map(|spend| bucket(&spend, grant, turn));
            let buckets: Vec<Bucket> = buckets.collect();
            turn.result_max = pass.max_result.as_deref().map(|max| ResultMax {
                bytes: max.bytes,
                rule: Some(max.rule.clone()),
            });
            (Some(pass), buckets)
        }
        // `~` stands in no counter's name, so no policy spends from these.
        Ask::Initialize => (None, vec![own(grant, "~initialize", HANDSHAKES_A_MINUTE)]),
        Ask::Other => (None, vec![own(grant, "~other", OTHERS_A_MINUTE)]),
    };
    let (charged, failed_open) = take(turn, pass.as_ref(), buckets).await?;
    let charges = match (&pass, &charged) {
        (Some(pass), Some(charged)) => charges(pass, charged),
        _ => Vec::new(),
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

/// Takes the tokens, and notes what limits in shadow would have refused. Also answers whether the
/// call goes through though its limits could not be checked.
async fn take(
    turn: &mut Turn,
    pass: Option<&Pass<'_>>,
    buckets: Vec<Bucket>,
) -> Result<(Option<Charged>, bool), Refusal> {
    if buckets.is_empty() {
        return Ok((None, false));
    }
    let fail_open = turn.caller.grant.server.fail_open;
    match turn.gateway.limiter.take(&buckets).await {
        Ok(Taken::Charged(receipt)) => {
            note(turn, pass, Code::RateLimited, receipt.short.iter().copied());
            Ok((Some(Charged { buckets, receipt }), false))
        }
        Ok(Taken::Wait {
            refused: at,
            retry_after,
            left,
            short,
        }) => {
            note(turn, pass, Code::RateLimited, short.into_iter());
            let retry_after_ms = retry_after.map(millis);
            Err(match pass.and_then(|pass| pass.spends().nth(at)) {
                Some(spend) => {
                    let tool = turn.tool.as_deref().unwrap_or_default();
                    let refusal = spend.limit.refusal(tool, retry_after_ms);
                    let left = left.get(at).copied().unwrap_or(0);
                    refused(&refusal, retry_after_ms, vec![charge(&spend, left)])
                }
                None => Refusal::TooManyRequests { retry_after_ms },
            })
        }
        // What never refuses does not refuse for being out of reach either.
        Err(error) if buckets.iter().all(|bucket| bucket.shadow) => {
            tracing::warn!(event.id = %turn.event, %error, "limits in shadow were not checked");
            if !fail_open {
                note(turn, pass, Code::LimitsUnavailable, 0..buckets.len());
            }
            Ok((None, false))
        }
        Err(error) if fail_open => {
            tracing::warn!(event.id = %turn.event, %error, "let through without its limits");
            Ok((None, true))
        }
        Err(error) => {
            tracing::warn!(event.id = %turn.event, %error, "refused");
            Err(Refusal::LimitsUnavailable)
        }
    }
}

/// Notes what the limits at these places, which are in shadow, would have refused the call with.
fn note(turn: &mut Turn, pass: Option<&Pass<'_>>, code: Code, places: impl Iterator<Item = usize>) {
    let limits = pass.map_or(&[][..], |pass| &pass.limits);
    let hits = places.filter_map(|at| limits.get(at)).map(|limit| Shadow {
        code,
        rule: limit.rule.clone(),
    });
    turn.shadow.extend(hits);
}

/// What each limit was charged. One in shadow that had too few tokens was not.
fn charges(pass: &Pass<'_>, charged: &Charged) -> Vec<Charge> {
    let Receipt { left, short, .. } = &charged.receipt;
    (0..)
        .zip(pass.spends().zip(left))
        .filter(|(at, _)| !short.contains(at))
        .map(|(_, (spend, left))| charge(&spend, *left))
        .collect()
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

fn charge(spend: &Spend<'_>, left: u64) -> Charge {
    let limit = spend.limit;
    Charge {
        counter: limit.counter.clone(),
        rule: limit.rule.clone(),
        cost: spend.cost,
        max: limit.max,
        left,
        window_ms: limit.window_ms,
    }
}

/// The bucket that a limit names for this call: `policy.md`, section 4, "counter".
fn bucket(spend: &Spend<'_>, grant: &GrantEntry, turn: &Turn) -> Bucket {
    let limit = spend.limit;
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
        cost: spend.cost,
        window: Duration::from_millis(limit.window_ms),
        shadow: limit.mode == Mode::Shadow,
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
        shadow: false,
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
