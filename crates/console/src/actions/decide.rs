//! One call against fresh counters: what the gateway would decide, without charging anything.

use std::borrow::Cow;

use domain::{
    Capability, PolicyId, Scope, ServerId,
    audit::{Charge, Code, Outcome},
};
use policy::{Call, Engine, GrantFacts, Limit, Policy, Refusal, Verdict};
use time::OffsetDateTime;

use super::{ActionError, Result, policies::inventory, require};
use crate::state::Console;

/// Whose rules are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rules<'a> {
    /// A document that need not be stored.
    Document(&'a str),
    /// The published version of a stored policy.
    Policy(PolicyId),
}

/// The call that is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub rules: Rules<'a>,
    /// Whose tools there are. A stored policy brings its own server.
    pub server: Option<ServerId>,
    pub tool: &'a str,
    /// A JSON object as text; `None` where the call has no `arguments`.
    pub arguments: Option<&'a str>,
    pub grant: GrantFacts<'a>,
    pub at: OffsetDateTime,
}

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

/// Judges one call by a document or by a stored policy.
pub(crate) async fn decide(
    console: &Console,
    scope: &Scope,
    question: Question<'_>,
) -> Result<Decision> {
    require(scope, Capability::See)?;
    let (document, server) = match question.rules {
        Rules::Document(text) => (Cow::Borrowed(text), question.server),
        Rules::Policy(id) => {
            let info = store::policies::get(&console.db, scope, id).await?;
            if question.server.is_some_and(|server| server != info.server) {
                return Err(ActionError::field(
                    "/server_id",
                    "is not the policy's server",
                ));
            }
            let published = info.published_version.ok_or_else(|| {
                ActionError::Conflict("no version of this policy is published".into())
            })?;
            let version = store::policies::version(&console.db, scope, id, published).await?;
            (Cow::Owned(version.document), Some(info.server))
        }
    };
    let policy = Policy::parse(&document).map_err(ActionError::Policy)?;
    let inventory = match server {
        Some(server) => inventory(console, scope, server).await?,
        None => None,
    };
    let engine = Engine::compile(&policy, inventory.as_deref());
    let bounds = json::Bounds {
        bytes_max: question.arguments.map_or(0, str::len),
        depth_max: super::ARGUMENTS_DEPTH_MAX,
    };
    let arguments = match question.arguments {
        Some(text) => Some(
            json::Document::parse(text.as_bytes(), bounds)
                .map_err(|fault| ActionError::field("/args", fault))?,
        ),
        None => None,
    };
    let now = question.at.unix_timestamp_nanos() / 1_000_000;
    let call = Call {
        tool: question.tool,
        arguments: arguments.as_ref().map(json::Document::root),
        grant: question.grant,
        now_unix_ms: u64::try_from(now)
            .map_err(|_| ActionError::field("/at", "must be after 1970"))?,
    };
    Ok(fresh(&engine, &call))
}

/// Judges a call with every bucket full. Only a limit of zero can refuse it then.
fn fresh(engine: &Engine, call: &Call<'_>) -> Decision {
    let limits = match engine.judge(call) {
        Verdict::Refuse(refusal) => return refused(refusal, Vec::new()),
        Verdict::Charge(limits) => limits,
    };
    if let Some(empty) = limits.iter().find(|limit| limit.max == 0) {
        let charges = limits
            .iter()
            .map(|limit| charge(limit, limit.max))
            .collect();
        return refused(empty.refusal(call.tool, None), charges);
    }
    Decision {
        outcome: Outcome::Allow,
        code: Code::Allowed,
        rule: None,
        message: String::new(),
        charges: limits
            .iter()
            .map(|limit| charge(limit, limit.max - 1))
            .collect(),
        retry_after_ms: None,
    }
}

fn refused(refusal: Refusal<'_>, charges: Vec<Charge>) -> Decision {
    Decision {
        outcome: Outcome::Deny,
        code: refusal.code,
        rule: refusal.rule.map(Cow::into_owned),
        message: refusal.message.into_owned(),
        charges,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(document: &str, tool: &str) -> Decision {
        let policy = Policy::parse(document).expect("a valid policy");
        let grant = GrantFacts {
            label: "agent",
            identity: None,
            labels: &[],
        };
        let call = Call {
            tool,
            arguments: None,
            grant,
            now_unix_ms: 0,
        };
        fresh(&Engine::compile(&policy, None), &call)
    }

    const TEN: &str = r#"{"version":"1","default":"deny","tools":{"rerun_workflow":{"limits":[
        {"counter":"c","window":"minute","max":10,"scope":"grant"}]}}}"#;

    #[test]
    fn a_limited_call_is_let_through_and_says_what_it_costs() {
        let decision = ask(TEN, "rerun_workflow");
        assert_eq!(
            (decision.outcome, decision.code),
            (Outcome::Allow, Code::Allowed)
        );
        assert_eq!(decision.message, "");
        let [charge] = &decision.charges[..] else {
            panic!("{decision:?}")
        };
        assert_eq!(
            (charge.counter.as_str(), charge.max, charge.left),
            ("c", 10, 9)
        );
        assert_eq!(charge.window_ms, 60_000);
    }

    #[test]
    fn a_refusal_names_its_rule() {
        let decision = ask(TEN, "delete_everything");
        assert_eq!(
            (decision.outcome, decision.code),
            (Outcome::Deny, Code::DefaultDeny)
        );
        assert!(decision.charges.is_empty());
    }

    #[test]
    fn a_limit_of_zero_refuses_and_waiting_does_not_help() {
        let decision = ask(&TEN.replace("10", "0"), "rerun_workflow");
        assert_eq!(
            (decision.outcome, decision.code),
            (Outcome::Deny, Code::RateLimited)
        );
        assert_eq!(
            decision.rule.as_deref(),
            Some("/tools/rerun_workflow/limits/c")
        );
        assert_eq!(decision.retry_after_ms, None);
        assert_eq!(decision.charges[0].left, 0);
    }
}
