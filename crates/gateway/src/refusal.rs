//! Why something is not done, and how that is said on the wire: `wire.md`, section 5.

use std::borrow::Cow;

use domain::audit::{Charge, Code, Settled};
use http::StatusCode;

use crate::{
    message::{INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, Malformed},
    result_max::ResultMax,
};

/// Refused at the door, before anyone was known to ask. Not in the audit log, which is kept per
/// organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    NoSuchPath,
    Method,
    NoToken,
    BadToken,
    Throttled {
        wait_s: u64,
    },
    /// Too many requests are being answered at once.
    Busy,
    /// The configuration is older than it may be.
    Stale,
}

impl Door {
    pub(crate) const fn voice(self) -> (StatusCode, &'static str) {
        match self {
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "There is no MCP server here."),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "Only POST, GET and DELETE are answered here.",
            ),
            Self::NoToken => (
                StatusCode::UNAUTHORIZED,
                "Send a grant's token: Authorization: Bearer tg_…",
            ),
            Self::BadToken => (
                StatusCode::UNAUTHORIZED,
                "This token is not accepted: it is mistyped, expired, revoked or paused.",
            ),
            Self::Throttled { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tokens from this address were not accepted; wait before the next try.",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests at once; try again shortly.",
            ),
            Self::Stale => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The gateway's configuration is too old to decide by; try again shortly.",
            ),
        }
    }
}

/// Refused after authentication. Each is in the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The token is good, for another server than the path's; or there is no such server.
    WrongServer,
    /// A browser page of an origin that is not allowed.
    Origin,
    /// `GET` or `DELETE` outside a session.
    NoSession,
    TooLarge,
    MediaType,
    /// The body did not arrive in time, or broke off.
    Unfinished,
    Malformed(Malformed),
    /// The session is not this grant's, or not one at all.
    Session,
    /// `Last-Event-ID` is not one of this session.
    Event,
    /// A tool that the grant's list does not show. The cause is for the audit log alone.
    Unknown {
        code: Code,
        rule: Option<String>,
    },
    /// Refused by the policy or by a limit.
    Policy {
        code: Code,
        rule: Option<String>,
        message: String,
        retry_after_ms: Option<u64>,
        /// The limit that refused, as it stood.
        charges: Vec<Charge>,
    },
    NoPolicy,
    PolicyUnreadable,
    LimitsUnavailable,
    AuditUnavailable,
    /// A `tools/call` that asks for a task.
    Task,
    /// A `tools/call` that continues another with a state that is not ours.
    Continuation,
    /// A method that is not relayed, to anyone or to this grant.
    Method,
    /// A notification that is not relayed.
    Notification,
    /// A response to nothing that was asked.
    Response,
    /// The grant has as much open as it may.
    Busy,
    /// All methods but `tools/call` share a rate.
    TooManyRequests {
        retry_after_ms: Option<u64>,
    },
}

/// How a refusal is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// A tool's result with `isError`, which a model reads.
    Tool,
    /// A JSON-RPC error with this code.
    Rpc(i32),
    /// The same, with the decision as its data.
    Decision,
}

/// The JSON-RPC code of a decision that is told as an error. Codes of our own stay outside -32768
/// to -32000 (MCP 2026-07-28, "Error Codes").
pub(crate) const DECISION: i32 = -31001;
/// The code of what HTTP's status says already.
pub(crate) const TRANSPORT: i32 = -31000;

impl Refusal {
    /// What the audit log calls it.
    pub(crate) const fn code(&self) -> Code {
        match self {
            Self::WrongServer => Code::WrongServer,
            Self::Origin => Code::OriginRefused,
            Self::NoSession | Self::Session | Self::Event => Code::SessionRefused,
            Self::TooLarge => Code::TooLarge,
            Self::MediaType | Self::Unfinished | Self::Malformed(_) => Code::Malformed,
            Self::Unknown { code, .. } | Self::Policy { code, .. } => *code,
            Self::NoPolicy => Code::NoPolicy,
            Self::PolicyUnreadable => Code::PolicyUnreadable,
            Self::LimitsUnavailable => Code::LimitsUnavailable,
            Self::AuditUnavailable => Code::AuditUnavailable,
            Self::Task
            | Self::Continuation
            | Self::Method
            | Self::Notification
            | Self::Response => Code::MethodRefused,
            Self::Busy | Self::TooManyRequests { .. } => Code::TooManyRequests,
        }
    }

    /// How it is said to a `tools/call` (`call`), and otherwise. `stateless` is the era.
    pub(crate) const fn voice(&self, call: bool, stateless: bool) -> (StatusCode, Voice) {
        match self {
            Self::WrongServer | Self::Session => (StatusCode::NOT_FOUND, Voice::Rpc(TRANSPORT)),
            Self::Origin => (StatusCode::FORBIDDEN, Voice::Rpc(TRANSPORT)),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, Voice::Rpc(TRANSPORT)),
            Self::NoSession => (StatusCode::METHOD_NOT_ALLOWED, Voice::Rpc(TRANSPORT)),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Voice::Rpc(INVALID_REQUEST)),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Voice::Rpc(INVALID_REQUEST),
            ),
            Self::Unfinished | Self::Response => {
                (StatusCode::BAD_REQUEST, Voice::Rpc(INVALID_REQUEST))
            }
            Self::Event => (StatusCode::BAD_REQUEST, Voice::Rpc(INVALID_PARAMS)),
            Self::Malformed(fault) => (StatusCode::BAD_REQUEST, Voice::Rpc(fault.code)),
            Self::Unknown { .. } | Self::Continuation => {
                (StatusCode::OK, Voice::Rpc(INVALID_PARAMS))
            }
            Self::Policy { .. }
            | Self::NoPolicy
            | Self::PolicyUnreadable
            | Self::LimitsUnavailable
            | Self::AuditUnavailable => (
                StatusCode::OK,
                if call { Voice::Tool } else { Voice::Decision },
            ),
            Self::Task | Self::TooManyRequests { .. } => (StatusCode::OK, Voice::Decision),
            Self::Method if stateless => (StatusCode::NOT_FOUND, Voice::Rpc(METHOD_NOT_FOUND)),
            Self::Method => (StatusCode::OK, Voice::Rpc(METHOD_NOT_FOUND)),
            Self::Notification => (StatusCode::BAD_REQUEST, Voice::Rpc(METHOD_NOT_FOUND)),
        }
    }

    /// The sentence, for the model or the person that reads it. It never suggests a way around.
    pub(crate) fn message(&self, tool: Option<&str>) -> Cow<'_, str> {
        match self {
            Self::WrongServer => Door::NoSuchPath.voice().1.into(),
            Self::Origin => "Pages of this origin may not call this server.".into(),
            Self::NoSession => "This needs the Mcp-Session-Id of a session; send messages by POST.".into(),
            Self::TooLarge => "The body is larger than the gateway reads.".into(),
            Self::MediaType => "Send application/json in UTF-8.".into(),
            Self::Unfinished => "The body did not arrive whole.".into(),
            Self::Malformed(fault) => Cow::Borrowed(&fault.text),
            Self::Session => "There is no such session; start again with initialize.".into(),
            Self::Event => "Last-Event-ID is not one of this session.".into(),
            Self::Unknown { .. } => format!("Unknown tool: {}", tool.unwrap_or_default()).into(),
            Self::Policy { message, .. } => Cow::Borrowed(message),
            Self::NoPolicy => {
                "This grant has no policy, so every call is refused until one is attached.".into()
            }
            Self::PolicyUnreadable => {
                "This grant's policy cannot be read by this gateway, so every call is refused.".into()
            }
            Self::LimitsUnavailable => {
                "Limits cannot be checked right now, so the call was not made. Try again shortly.".into()
            }
            Self::AuditUnavailable => {
                "The audit log cannot be written right now, so the call was not made. Try again shortly.".into()
            }
            Self::Task => "Calls that make a task are not supported here.".into(),
            Self::Continuation => "requestState is not one that this gateway gave.".into(),
            Self::Method => "This method is not available through this gateway.".into(),
            Self::Notification => "This notification is not relayed.".into(),
            Self::Response => "Nothing was asked that this could be the answer to.".into(),
            Self::Busy => {
                "This grant has too many requests open at once; try again shortly.".into()
            }
            Self::TooManyRequests { retry_after_ms } => match retry_after_ms {
                Some(ms) => format!("Too many requests; try again in {} s.", ms.div_ceil(1000)).into(),
                None => "Too many requests.".into(),
            },
        }
    }

    /// The rule that decided, as a pointer into the policy.
    pub(crate) fn rule(&self) -> Option<&str> {
        match self {
            Self::Policy { rule, .. } | Self::Unknown { rule, .. } => rule.as_deref(),
            _ => None,
        }
    }

    pub(crate) const fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Policy { retry_after_ms, .. } | Self::TooManyRequests { retry_after_ms } => {
                *retry_after_ms
            }
            _ => None,
        }
    }

    /// Whether the same request may go through later though nothing is changed by anyone.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self, Self::LimitsUnavailable | Self::AuditUnavailable)
    }
}

/// What went wrong beyond the gateway, after the request was let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was sent.
    Unreachable(&'static str),
    /// Something came back that is not MCP, or not relayed.
    Invalid(Cow<'static, str>),
    /// The connection broke before an answer.
    Broken,
    /// Silent for too long.
    Timeout,
    /// It refuses the organisation's credential, or the credential does not open.
    Credential(Option<u16>),
    /// The call ran, and its result is larger than the policy lets through.
    TooLarge(ResultMax),
}

impl Fault {
    pub(crate) const fn settled(&self) -> Settled {
        match self {
            Self::Unreachable(_) => Settled::Unreachable,
            Self::Invalid(_) => Settled::Invalid,
            Self::Broken => Settled::Interrupted,
            Self::Timeout => Settled::Timeout,
            Self::Credential(_) => Settled::CredentialRefused,
            Self::TooLarge(_) => Settled::TooLarge,
        }
    }

    /// The word in `tollgate/decision`, and the status for what is no `tools/call`.
    pub(crate) const fn code(&self) -> (&'static str, StatusCode) {
        match self {
            Self::Unreachable(_) => ("upstream_unreachable", StatusCode::BAD_GATEWAY),
            Self::Invalid(_) | Self::Broken => ("upstream_invalid", StatusCode::BAD_GATEWAY),
            Self::Timeout => ("upstream_timeout", StatusCode::GATEWAY_TIMEOUT),
            Self::Credential(_) => ("upstream_credential", StatusCode::BAD_GATEWAY),
            Self::TooLarge(_) => ("result_too_large", StatusCode::BAD_GATEWAY),
        }
    }

    /// The rule that withholds the answer, as a pointer into the policy.
    pub(crate) fn rule(&self) -> Option<&str> {
        match self {
            Self::TooLarge(max) => max.rule.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn message(&self, server: &str) -> String {
        match self {
            Self::TooLarge(max) => format!(
                "The call ran, but what “{server}” answered is larger than the {} bytes that the \
                 policy lets through, so it was withheld. A call that brings back less is answered.",
                max.bytes
            ),
            Self::Unreachable(why) => format!(
                "The server “{server}” could not be reached ({why}), so the call was not made."
            ),
            Self::Invalid(what) => format!("The server “{server}” gave no usable answer: {what}."),
            Self::Broken => format!(
                "The server “{server}” closed the connection without an answer. Whether the call \
                 ran is not known: do not simply repeat it."
            ),
            Self::Timeout => format!(
                "The server “{server}” did not answer in time. Whether the call ran is not known: \
                 do not simply repeat it."
            ),
            Self::Credential(Some(status)) => format!(
                "The server “{server}” refused the credential that Tollgate holds for it (HTTP \
                 {status}). An administrator has to enter it again."
            ),
            Self::Credential(None) => format!(
                "The credential that Tollgate holds for the server “{server}” cannot be opened. An \
                 administrator has to enter it again."
            ),
        }
    }
}
