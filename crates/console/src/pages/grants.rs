//! Grants: the lists, issuing one, and the page of one with its token and client snippets.

mod change;
mod issue;
mod list;
mod show;
mod snippets;

use domain::Label;
use store::grants::{Grant, GrantState};

use crate::routes::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/grants", list::all)
        .get("/servers/{server}/grants", list::of_server)
        .get("/servers/{server}/grants/new", issue::show)
        .post("/servers/{server}/grants/new", issue::submit)
        .get("/grants/{grant}", show::show)
        .post("/grants/{grant}", change::edit)
        .post("/grants/{grant}/pause", change::pause)
        .post("/grants/{grant}/resume", change::resume)
        .post("/grants/{grant}/revoke", change::revoke)
        .post("/grants/{grant}/rotate", change::rotate)
        .post("/grants/{grant}/reveal", change::reveal)
}

/// A grant's state in one word, which is its chip too.
fn word(state: GrantState) -> &'static str {
    match state {
        GrantState::Active => "active",
        GrantState::Paused => "paused",
        GrantState::Expired => "expired",
        GrantState::Revoked => "revoked",
    }
}

/// A row of a list.
pub(super) struct Row {
    pub(super) grant: Grant,
    pub(super) word: &'static str,
}

impl From<Grant> for Row {
    fn from(grant: Grant) -> Self {
        Self {
            word: word(grant.state),
            grant,
        }
    }
}

impl Row {
    pub(super) fn label(&self) -> &Label {
        &self.grant.label
    }

    /// Who it acts for, where the label does not say it already.
    pub(super) fn other_identity(&self) -> Option<&str> {
        let identity = self.grant.identity.as_ref()?.as_str();
        (identity != self.grant.label.as_str()).then_some(identity)
    }
}
