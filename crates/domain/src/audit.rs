//! What gets recorded: one [`Decision`] for every authenticated request that is judged, and one
//! [`Settlement`] once the outcome of a forwarded one is known.
//!
//! Both carry everything as it was at the time, by value, so that renaming or deleting a grant
//! never touches history. Neither holds a token, an argument or a body.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::{EventId, GrantId, OrgId, PolicyId, ServerId};

macro_rules! closed {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The value as it is stored, sent and filtered by.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text).ok_or(UnknownWord)
            }
        }
    };
}

/// A text that is none of the words of a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not one of the words allowed here")]
pub struct UnknownWord;

closed! {
    /// What was decided.
    Outcome {
        /// Forwarded.
        Allow = "allow",
        /// Refused.
        Deny = "deny",
        /// Held for a person.
        Approval = "approval",
    }
}

closed! {
    /// Why it was decided so. The first refusal in the order of `policy.md`, section 7, wins; the
    /// rest are the gateway's own.
    Code {
        /// Nothing stood against it.
        Allowed = "allowed",
        /// The grant has no policy.
        NoPolicy = "no_policy",
        /// `hide` names the tool.
        Hidden = "hidden",
        /// The server's inventory does not have the tool.
        UnknownTool = "unknown_tool",
        /// The tool changed since a person last approved it.
        ToolChanged = "tool_changed",
        /// No block names the tool and the default is deny.
        DefaultDeny = "default_deny",
        /// A block's action is deny.
        Denied = "denied",
        /// The arguments do not satisfy the tool's schema.
        InvalidArguments = "invalid_arguments",
        /// The arguments could not be checked against a schema.
        SchemaUnavailable = "schema_unavailable",
        /// A `require` check does not hold.
        RequireFailed = "require_failed",
        /// A `deny_if` check fired.
        DenyIf = "deny_if",
        /// A person must approve the call first.
        ApprovalRequired = "approval_required",
        /// Too many approvals wait already.
        ApprovalsFull = "approvals_full",
        /// A limit has no tokens left.
        RateLimited = "rate_limited",
        /// Too many calls are in flight.
        TooManyInFlight = "too_many_in_flight",
        /// The counter store could not be reached.
        LimitsUnavailable = "limits_unavailable",
        /// The audit spool could not be written.
        AuditUnavailable = "audit_unavailable",
        /// The message could not be parsed strictly.
        Malformed = "malformed",
        /// The body is larger than the gateway reads.
        TooLarge = "too_large",
        /// The method is not one that the gateway relays.
        MethodRefused = "method_refused",
        /// The token is good, but the address is another server's or nobody's.
        WrongServer = "wrong_server",
        /// A browser page of an origin that is not allowed.
        OriginRefused = "origin_refused",
        /// The session is not this grant's, or not one at all.
        SessionRefused = "session_refused",
        /// All methods but `tools/call` share a rate, and it is spent.
        TooManyRequests = "too_many_requests",
        /// The published policy cannot be read by this version of the gateway.
        PolicyUnreadable = "policy_unreadable",
    }
}

closed! {
    /// What became of a forwarded request.
    Settled {
        /// The upstream answered with a result.
        Ok = "ok",
        /// The tool ran and failed (`isError: true`).
        ToolError = "tool_error",
        /// The upstream answered with a JSON-RPC error.
        RpcError = "rpc_error",
        /// The tool ran, and its result was larger than the policy lets through.
        TooLarge = "result_too_large",
        /// The upstream could not be reached; nothing was sent.
        Unreachable = "upstream_unreachable",
        /// The upstream answered with something that is not MCP.
        Invalid = "upstream_invalid",
        /// The upstream was silent for too long; whether the call ran is unknown.
        Timeout = "upstream_timeout",
        /// The upstream refused its credential.
        CredentialRefused = "upstream_credential",
        /// The client went away before the answer was complete.
        ClientGone = "client_gone",
        /// The stream broke, or the gateway died; whether the call ran is unknown.
        Interrupted = "interrupted",
    }
}

/// What one limit was charged, or why it refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The counter's name.
    pub counter: String,
    /// The rule's pointer in its policy.
    pub rule: String,
    /// Tokens the call takes.
    pub cost: u64,
    /// Tokens the bucket holds when full.
    pub max: u64,
    /// Tokens left after the call, or when it was refused.
    pub left: u64,
    /// The window, in milliseconds.
    pub window_ms: u64,
}

/// The most that is recorded of what shadow rules would have done to one call: of more, the first.
pub const SHADOW_MAX: usize = 32;

/// What a rule in shadow would have done, had it been enforced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// The kind of refusal; `approval_required` where it would have held the call.
    pub code: Code,
    /// The rule's pointer in its policy.
    pub rule: String,
}

/// One judged request. Everything a page shows of it, as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The event, and the decision's id on the wire. Its time is the event's time.
    pub id: EventId,
    /// The organisation.
    pub org: OrgId,
    /// The server.
    pub server: ServerId,
    /// The server's name then.
    pub server_name: String,
    /// The grant.
    pub grant: GrantId,
    /// The grant's label then.
    pub grant_label: String,
    /// Who it acted for then.
    pub identity: Option<String>,
    /// The policy, where the grant had one.
    pub policy: Option<PolicyId>,
    /// The policy's name then.
    pub policy_name: Option<String>,
    /// The policy's version then.
    pub policy_version: Option<i32>,
    /// The method, such as `tools/call`; empty where the message could not be read.
    pub method: String,
    /// The tool, of a `tools/call`.
    pub tool: Option<String>,
    /// What was decided.
    pub outcome: Outcome,
    /// Why.
    pub code: Code,
    /// Which rule decided, as a pointer into the policy.
    pub rule: Option<String>,
    /// The sentence the agent was told; empty where it was let through.
    pub message: String,
    /// What each limit was charged.
    pub charges: Vec<Charge>,
    /// What shadow rules would have done, in the order of evaluation; at most [`SHADOW_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<Shadow>,
    /// How long until the same call would fit, rounded up.
    pub retry_after_ms: Option<u64>,
    /// Whether the limits could not be checked and the server is set to let calls through then.
    pub failed_open: bool,
    /// The client's own name and version, cut to 64 characters. Self-reported.
    pub client: Option<String>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// The request body's length.
    pub request_bytes: u64,
    /// From the last byte of the request to the decision, in microseconds.
    pub decided_us: u64,
    /// How old the configuration was, in milliseconds.
    pub snapshot_age_ms: u64,
}

/// What became of a forwarded request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The event it belongs to.
    pub id: EventId,
    /// The organisation.
    pub org: OrgId,
    /// What became of it.
    pub settled: Settled,
    /// The upstream's HTTP status, where it gave one.
    pub status: Option<u16>,
    /// From sending the request to the end of the answer, in microseconds.
    pub upstream_us: u64,
    /// The answer's length.
    pub response_bytes: u64,
    /// Whether the charge was given back, because the call is known not to have run.
    pub given_back: bool,
}

/// One line of the spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Written before anything is forwarded, and for every refusal.
    Decided(Box<Decision>),
    /// Written when the outcome is known.
    Settled(Settlement),
}

impl Record {
    /// The event this is about.
    #[must_use]
    pub fn id(&self) -> EventId {
        match self {
            Self::Decided(decision) => decision.id,
            Self::Settled(settlement) => settlement.id,
        }
    }
}
