//! The gates: extractors that prove who is asking and what they may do.

use std::marker::PhantomData;

use axum::{
    extract::FromRequestParts,
    http::{Method, request::Parts},
};
use domain::{Actor, Capability, OrgId, Scope};
use store::{organisations::Membership, sessions::Session};

use super::cookies::{self, Key, Name};
use crate::{
    pages::{PageError, rail},
    state::Console,
};

/// Someone is signed in; nothing is said of an organisation.
pub(crate) struct SignedIn {
    pub(crate) key: Key,
    pub(crate) session: Session,
}

impl FromRequestParts<Console> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let back = back(parts);
        let key = cookies::read(&parts.headers, Name::Session, console.settings.https())
            .and_then(Key::parse);
        let Some(key) = key else {
            return Err(PageError::SignIn { back });
        };
        match store::sessions::find(&console.db, key.hash()).await? {
            Some(session) => Ok(Self { key, session }),
            None => Err(PageError::SignIn { back }),
        }
    }
}

/// Where to come back to: a page, and no form that was sent.
fn back(parts: &Parts) -> Option<String> {
    let page = parts.uri.path_and_query().map(ToString::to_string);
    page.filter(|_| parts.method == Method::GET)
}

/// What a gate asks for.
pub(crate) trait Asks: Send + Sync + 'static {
    const CAPABILITY: Capability;
}

macro_rules! gates {
    ($($(#[$doc:meta])* $gate:ident = $asks:ident: $capability:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) type $gate = Member<$asks>;

        /// See the gate.
        pub(crate) struct $asks;

        impl Asks for $asks {
            const CAPABILITY: Capability = Capability::$capability;
        }
    )*};
}

gates! {
    /// A member, who may look around.
    Viewer = Look: See;
    /// May write and publish policies and attach them to grants.
    Editor = EditPolicies: EditPolicies;
    /// May issue, rotate, pause and revoke grants.
    GrantManager = ManageGrants: ManageGrants;
    /// May create, edit and delete servers.
    ServerManager = ManageServers: ManageServers;
    /// May make API keys and manage members.
    Manager = ManageOrganisation: ManageOrganisation;
    /// May read admin events.
    EventReader = ReadEvents: ReadAdminEvents;
}

/// A member of an organisation whose role has the capability that `C` asks for.
pub(crate) struct Member<C> {
    pub(crate) scope: Scope,
    signed_in: SignedIn,
    at: usize,
    done: Option<&'static str>,
    asks: PhantomData<C>,
}

impl<C: Asks> FromRequestParts<Console> for Member<C> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let signed_in = SignedIn::from_request_parts(parts, console).await?;
        let wanted: Option<OrgId> =
            cookies::read(&parts.headers, Name::Org, console.settings.https())
                .and_then(|text| text.parse().ok());
        let memberships = &signed_in.session.memberships;
        let at = memberships
            .iter()
            .position(|m| Some(m.org) == wanted)
            .unwrap_or(0);
        let Some(membership) = memberships.get(at) else {
            return Err(PageError::Welcome { back: back(parts) });
        };
        let scope = Scope {
            org: membership.org,
            actor: Actor::Member(signed_in.session.user),
            role: membership.role,
            auditor: membership.auditor,
        };
        if !scope.may(C::CAPABILITY) {
            return Err(PageError::Forbidden(C::CAPABILITY));
        }
        let done = rail::done(parts.uri.query());
        Ok(Self {
            scope,
            signed_in,
            at,
            done,
            asks: PhantomData,
        })
    }
}

impl<C> Member<C> {
    pub(crate) fn membership(&self) -> &Membership {
        &self.signed_in.session.memberships[self.at]
    }

    pub(crate) fn session(&self) -> &Session {
        &self.signed_in.session
    }

    /// What the frame around every page shows, with `active` marked in the rail.
    pub(crate) fn shell(&self, active: &'static str) -> Shell {
        Shell {
            csrf: self.signed_in.key.form_token(),
            email: self.signed_in.session.email.to_string(),
            organisation: self.membership().clone(),
            memberships: self.signed_in.session.memberships.clone(),
            scope: self.scope,
            active,
            done: self.done,
        }
    }
}

/// The frame around a page of the console.
pub(crate) struct Shell {
    pub(crate) csrf: String,
    pub(crate) email: String,
    pub(crate) organisation: Membership,
    pub(crate) memberships: Vec<Membership>,
    pub(crate) scope: Scope,
    pub(crate) active: &'static str,
    pub(crate) done: Option<&'static str>,
}

impl Shell {
    pub(crate) fn edits_policies(&self) -> bool {
        self.scope.may(Capability::EditPolicies)
    }

    pub(crate) fn manages_grants(&self) -> bool {
        self.scope.may(Capability::ManageGrants)
    }

    pub(crate) fn manages_servers(&self) -> bool {
        self.scope.may(Capability::ManageServers)
    }

    pub(crate) fn manages_organisation(&self) -> bool {
        self.scope.may(Capability::ManageOrganisation)
    }

    pub(crate) fn reads_events(&self) -> bool {
        self.scope.may(Capability::ReadAdminEvents)
    }
}
