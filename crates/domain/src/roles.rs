//! Who may do what: the one table that the pages, the API and the tests read.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::{ApiKeyId, OrgId, UserId};

/// What a member or an API key may be in an organisation. `auditor` is not a role of its own: it is
/// added to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything but recorded arguments and admin events.
    Viewer,
    /// Writes and publishes policies and answers approvals.
    PolicyManager,
    /// Runs the organisation day to day.
    Admin,
    /// Can do all of that, and make owners and auditors, and end the organisation.
    Owner,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::PolicyManager, Self::Admin, Self::Owner];

    /// The role as it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::PolicyManager => "policy_manager",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Whether this role, without `auditor` beside it, has the capability.
    #[must_use]
    pub const fn can(self, capability: Capability) -> bool {
        use Capability as C;
        match capability {
            C::See => true,
            C::SeeArguments => false,
            C::EditPolicies => matches!(self, Self::PolicyManager | Self::Admin | Self::Owner),
            C::ManageGrants | C::ManageServers | C::ManageOrganisation => {
                matches!(self, Self::Admin | Self::Owner)
            }
            C::ReadAdminEvents => matches!(self, Self::Admin | Self::Owner),
            C::OwnOrganisation => matches!(self, Self::Owner),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of owner, admin, policy_manager and viewer")]
pub struct BadRole;

impl FromStr for Role {
    type Err = BadRole;

    fn from_str(text: &str) -> Result<Self, BadRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(BadRole)
    }
}

/// One row of the matrix in `product.md`, "Roles".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// See servers, policies, grant labels and audit metadata.
    See,
    /// See recorded argument values.
    SeeArguments,
    /// Create, edit, publish and roll back policies, attach them, answer approvals.
    EditPolicies,
    /// Issue, rotate, reveal, revoke and pause grants, edit their labels and identity.
    ManageGrants,
    /// Create, edit and delete servers, their credentials, and approve tool changes.
    ManageServers,
    /// Invite and remove members, change roles, API keys, webhooks, retention.
    ManageOrganisation,
    /// Read admin events.
    ReadAdminEvents,
    /// Make or remove owners and auditors, rename or delete the organisation, export everything.
    OwnOrganisation,
}

impl Capability {
    /// Every capability, in the order of the matrix.
    pub const ALL: [Self; 8] = [
        Self::See,
        Self::SeeArguments,
        Self::EditPolicies,
        Self::ManageGrants,
        Self::ManageServers,
        Self::ManageOrganisation,
        Self::ReadAdminEvents,
        Self::OwnOrganisation,
    ];

    /// What the capability allows, to finish the sentence "your role cannot …".
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::See => "see this organisation",
            Self::SeeArguments => "see recorded arguments",
            Self::EditPolicies => "edit policies",
            Self::ManageGrants => "manage grants",
            Self::ManageServers => "manage servers",
            Self::ManageOrganisation => "manage this organisation",
            Self::ReadAdminEvents => "read admin events",
            Self::OwnOrganisation => "do what only owners may",
        }
    }
}

/// Who makes a change: a person in a browser or a key at the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in member.
    Member(UserId),
    /// An API key; its maker answers for it.
    Key {
        /// The key.
        key: ApiKeyId,
        /// The member who made it.
        maker: UserId,
    },
}

impl Actor {
    /// The person behind the change.
    #[must_use]
    pub const fn user(self) -> UserId {
        match self {
            Self::Member(user) | Self::Key { maker: user, .. } => user,
        }
    }
}

/// One organisation seen by one actor: what every query of tenant data takes as its first argument.
///
/// Only the code that authenticated the actor makes one, so holding a `Scope` is proof of
/// membership; what the role allows is asked of [`Scope::may`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The organisation.
    pub org: OrgId,
    /// Who is acting.
    pub actor: Actor,
    /// The actor's present role there.
    pub role: Role,
    /// Whether the member is an auditor beside that. Never true of a key.
    pub auditor: bool,
}

impl Scope {
    /// Whether the actor has the capability.
    #[must_use]
    pub const fn may(&self, capability: Capability) -> bool {
        self.role.can(capability)
            || (self.auditor
                && matches!(
                    capability,
                    Capability::See | Capability::SeeArguments | Capability::ReadAdminEvents
                ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The matrix of `product.md`, columns owner, admin, policy_manager, viewer, and auditor alone.
    #[test]
    fn the_matrix_is_the_one_in_the_specification() {
        use Capability as C;
        for (capability, row) in [
            (C::See, "yyyy y"),
            (C::SeeArguments, "nnnn y"),
            (C::EditPolicies, "yyyn n"),
            (C::ManageGrants, "yynn n"),
            (C::ManageServers, "yynn n"),
            (C::ManageOrganisation, "yynn n"),
            (C::ReadAdminEvents, "yynn y"),
            (C::OwnOrganisation, "ynnn n"),
        ] {
            let roles = [Role::Owner, Role::Admin, Role::PolicyManager, Role::Viewer];
            let got: String = roles
                .map(|role| if role.can(capability) { 'y' } else { 'n' })
                .into_iter()
                .collect();
            let auditor = Scope {
                org: OrgId::generate(),
                actor: Actor::Member(UserId::generate()),
                role: Role::Viewer,
                auditor: true,
            };
            let auditor = if auditor.may(capability) { "y" } else { "n" };
            assert_eq!(format!("{got} {auditor}"), row, "{capability:?}");
        }
    }
}
