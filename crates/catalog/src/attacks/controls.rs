//! What a gateway can do against attacks, and which of it Tollgate does today.

use serde::{Deserialize, Serialize};

/// A feature that works against attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// What no rule names is refused.
    DefaultDeny,
    /// The agent does not see the tool.
    HideTool,
    /// So many calls in a time.
    RateLimit,
    /// So much spent in a time.
    SpendLimit,
    /// Conditions on argument values.
    ArgumentRule,
    /// A person answers first.
    RequireApproval,
    /// A grant for one agent on one server.
    ScopedGrant,
    /// The agent never has the upstream's credential.
    CredentialVault,
    /// A changed definition is blocked.
    DefinitionPin,
    /// Only registered servers are reached.
    ServerAllowlist,
    /// What comes back is looked at.
    ResponseFilter,
    /// The order of calls is looked at.
    FlowRule,
    /// One organisation never meets another.
    TenantIsolation,
    /// Every decision is on record.
    AuditLog,
    /// One act stops everything of an agent.
    KillSwitch,
    /// Whoever connects is authenticated.
    TransportAuth,
    /// A server with a known flaw is pointed out when it is registered.
    CatalogueAdvisory,
}

impl Control {
    /// All of them, in the order of pages.
    pub const ALL: [Self; 17] = [
        Self::DefaultDeny,
        Self::HideTool,
        Self::ArgumentRule,
        Self::RateLimit,
        Self::ScopedGrant,
        Self::CredentialVault,
        Self::TransportAuth,
        Self::ServerAllowlist,
        Self::TenantIsolation,
        Self::AuditLog,
        Self::KillSwitch,
        Self::SpendLimit,
        Self::RequireApproval,
        Self::DefinitionPin,
        Self::ResponseFilter,
        Self::FlowRule,
        Self::CatalogueAdvisory,
    ];

    /// Whether Tollgate does it today. What is not is said to be planned wherever it is named.
    #[must_use]
    pub const fn available(self) -> bool {
        self.told().2
    }

    /// What it is called.
    #[must_use]
    pub const fn words(self) -> &'static str {
        self.told().0
    }

    /// What it does, in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.told().1
    }

    /// The one table: what it is called, what it does, and whether Tollgate has it.
    const fn told(self) -> (&'static str, &'static str, bool) {
        match self {
            Self::DefaultDeny => (
                "Default deny",
                "A tool that no rule names is not shown and cannot be called.",
                true,
            ),
            Self::HideTool => (
                "Hide and deny",
                "A tool is taken out of the agent's list, or refused with a reason.",
                true,
            ),
            Self::ArgumentRule => (
                "Argument conditions",
                "A call passes only if its arguments are what the rule says: a path, a host, a branch, a statement.",
                true,
            ),
            Self::RateLimit => (
                "Rate limits",
                "So many calls in a minute, an hour or a day, for each grant.",
                true,
            ),
            Self::ScopedGrant => (
                "Grants",
                "Each agent has its own token for one server, which expires, and can be paused and revoked.",
                true,
            ),
            Self::CredentialVault => (
                "Sealed credentials",
                "The server's credential is sealed in Tollgate. Agents never have it.",
                true,
            ),
            Self::TransportAuth => (
                "Authenticated transport",
                "Every request carries a grant's token, and a browser page from elsewhere is refused.",
                true,
            ),
            Self::ServerAllowlist => (
                "Registered servers",
                "A grant reaches the one server it was issued for, and no other.",
                true,
            ),
            Self::TenantIsolation => (
                "Separate organisations",
                "Servers, grants, limits and logs of one organisation are out of reach of another.",
                true,
            ),
            Self::AuditLog => (
                "Audit log",
                "Every decision is recorded before the call is made.",
                true,
            ),
            Self::KillSwitch => (
                "Stop an agent",
                "Revoke or pause its grant, and its next call is refused.",
                true,
            ),
            Self::SpendLimit => (
                "Spend caps",
                "A limit that counts an amount in place of calls.",
                false,
            ),
            Self::RequireApproval => (
                "Approval by a person",
                "A call waits until a person has answered it.",
                false,
            ),
            Self::DefinitionPin => (
                "Pinned definitions",
                "A tool whose definition changed is refused until somebody has looked at it.",
                false,
            ),
            Self::ResponseFilter => (
                "Filtered results",
                "What a tool returns is looked at before the model reads it.",
                false,
            ),
            Self::FlowRule => (
                "Order of calls",
                "After reading what strangers wrote, an agent may no longer send anything out.",
                false,
            ),
            Self::CatalogueAdvisory => (
                "Advisories",
                "A server with a known flaw is pointed out when it is registered.",
                false,
            ),
        }
    }
}
