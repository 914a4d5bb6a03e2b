//! The audit log: the list with its filters, and the whole of one decision.

mod event;
mod filter;
mod list;

use domain::{
    EventId,
    audit::{Code, Outcome, Settled, Shadow},
};
use store::audit::AuditEvent;
use time::OffsetDateTime;

use crate::routes::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/audit", list::show)
        .get("/audit/{event}", event::show)
}

/// What became of a call, as far as its colour and word go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Allowed,
    Refused,
    Limited,
    Waiting,
    /// Let through, and it did not go well.
    Failed,
}

impl Kind {
    fn of(event: &AuditEvent) -> Self {
        match (
            event.decision.outcome,
            event.decision.code,
            event.settlement.as_ref(),
        ) {
            (Outcome::Approval, _, _) => Self::Waiting,
            (
                Outcome::Deny,
                Code::RateLimited | Code::TooManyInFlight | Code::TooManyRequests,
                _,
            ) => Self::Limited,
            (Outcome::Deny, _, _) => Self::Refused,
            (Outcome::Allow, _, Some(settlement)) if settlement.settled != Settled::Ok => {
                Self::Failed
            }
            (Outcome::Allow, _, _) => Self::Allowed,
        }
    }

    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Failed => "allowed, failed",
            other => other.class(),
        }
    }
}

/// A row of a list of events.
pub(crate) struct Line {
    pub(crate) id: EventId,
    pub(crate) at: OffsetDateTime,
    pub(crate) kind: Kind,
    /// The tool, or the method where the request called none.
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) server_name: String,
    pub(crate) grant_label: String,
    pub(crate) identity: Option<String>,
    pub(crate) took_us: Option<u64>,
    /// What a rule in shadow would have done, as a sentence.
    pub(crate) shadow: Option<String>,
}

impl Line {
    /// Who the grant acted for, where the label does not say it already.
    pub(crate) fn other_identity(&self) -> Option<&str> {
        self.identity
            .as_deref()
            .filter(|identity| *identity != self.grant_label)
    }
}

impl From<AuditEvent> for Line {
    fn from(event: AuditEvent) -> Self {
        let kind = Kind::of(&event);
        let why = why(&event);
        let shadow = event.decision.shadow.first();
        let shadow = shadow.map(|hit| {
            let done = would_have(hit);
            format!("This call {done} by {} (shadow).", hit.rule)
        });
        let AuditEvent {
            at,
            decision,
            settlement,
        } = event;
        Self {
            id: decision.id,
            at,
            kind,
            what: what(decision.tool, decision.method),
            why,
            server_name: decision.server_name,
            grant_label: decision.grant_label,
            identity: decision.identity,
            took_us: settlement.map(|settlement| settlement.upstream_us),
            shadow,
        }
    }
}

fn what(tool: Option<String>, method: String) -> String {
    match tool {
        Some(tool) => tool,
        None if method.is_empty() => "unreadable message".to_owned(),
        None => method,
    }
}

/// Why, in a few words: the sentence the agent was told, or what became of the call.
fn why(event: &AuditEvent) -> String {
    if event.decision.outcome != Outcome::Allow {
        let (message, code) = (&event.decision.message, event.decision.code);
        return if message.is_empty() {
            code_in_words(code).to_owned()
        } else {
            message.clone()
        };
    }
    match event
        .settlement
        .as_ref()
        .map(|settlement| settlement.settled)
    {
        None => "outcome not known yet".to_owned(),
        Some(settled) => settled_in_words(settled).to_owned(),
    }
}

/// What a rule in shadow would have done to the call.
const fn would_have(hit: &Shadow) -> &'static str {
    match hit.code {
        Code::ApprovalRequired => "would have been held",
        _ => "would have been refused",
    }
}

/// What a code means, for people.
const fn code_in_words(code: Code) -> &'static str {
    match code {
        Code::Allowed => "nothing stood against it",
        Code::NoPolicy => "the grant has no published policy",
        Code::Hidden => "the policy hides this tool",
        Code::UnknownTool => "the server does not have this tool",
        Code::ToolChanged => "the tool changed since it was approved",
        Code::DefaultDeny => "no rule allows this tool, and the default is deny",
        Code::Denied => "a rule denies this tool",
        Code::InvalidArguments => "the arguments do not fit the tool's schema",
        Code::SchemaUnavailable => "the arguments could not be checked against a schema",
        Code::RequireFailed => "a required condition does not hold",
        Code::DenyIf => "a condition that denies held",
        Code::ApprovalRequired => "a person must approve it",
        Code::ApprovalsFull => "too many approvals wait already",
        Code::RateLimited => "over its limit",
        Code::TooManyInFlight => "too many calls in flight",
        Code::LimitsUnavailable => "limits could not be checked",
        Code::AuditUnavailable => "the audit log could not be written",
        Code::Malformed => "the message could not be parsed strictly",
        Code::TooLarge => "the message was too large",
        Code::MethodRefused => "the method is not relayed",
        Code::SessionRefused => "the session is not this grant's",
        Code::TooManyRequests => "too many requests",
        Code::WrongServer => "the grant is for another server",
        Code::OriginRefused => "it came from a web page of an origin that is not allowed",
        Code::PolicyUnreadable => "the policy could not be read by this gateway",
    }
}

const fn settled_in_words(settled: Settled) -> &'static str {
    match settled {
        Settled::Ok => "answered",
        Settled::ToolError => "the tool ran and failed",
        Settled::TooLarge => "the result was larger than the policy lets through, and withheld",
        Settled::RpcError => "the server answered with an error",
        Settled::Unreachable => "the server could not be reached; nothing was sent",
        Settled::Invalid => "the server's answer was not MCP",
        Settled::Timeout => "the server was silent for too long; whether it ran is unknown",
        Settled::CredentialRefused => "the server refused its credential",
        Settled::ClientGone => "the client went away before the answer was complete",
        Settled::Interrupted => "the stream broke; whether it ran is unknown",
    }
}
