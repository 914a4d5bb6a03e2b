//! Who is in the organisation.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use store::organisations::Member;

use super::{Html, Page, cursor::Cursor, filters, path::Query, rail};
use crate::{
    routes::Routes,
    session::{Shell, Viewer},
    state::Console,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/members", show)
}

#[derive(Template)]
#[template(path = "members.html")]
struct Members {
    shell: Shell,
    members: Vec<Member>,
    next: Option<String>,
}

impl Members {
    fn is_me(&self, member: &Member) -> bool {
        member.user == self.shell.scope.actor.user()
    }

    fn role(&self, member: &Member) -> String {
        rail::role(member.role, member.auditor)
    }
}

/// `GET /members` lists them.
async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Query(cursor): Query<Cursor>,
) -> Page {
    let page = store::organisations::members(&console.db, &viewer.scope, cursor.request()).await?;
    Ok(Html(Members {
        shell: viewer.shell("members"),
        members: page.items,
        next: page
            .next
            .map(|id| format!("/members?after={}", id.simple())),
    })
    .into_response())
}
