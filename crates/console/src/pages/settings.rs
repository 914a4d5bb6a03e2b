//! The organisation.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use domain::Capability;
use store::organisations::Organisation;

use super::{Html, Page, filters};
use crate::{
    routes::Routes,
    session::{Shell, Viewer},
    state::Console,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/settings", show)
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    shell: Shell,
    organisation: Organisation,
    version: &'static str,
}

impl Settings {
    /// What this member may and may not do here.
    fn capabilities(&self) -> Vec<(&'static str, bool)> {
        Capability::ALL
            .map(|one| (one.sentence(), self.shell.scope.may(one)))
            .to_vec()
    }
}

/// `GET /settings` shows the organisation and what one's own role there allows.
async fn show(State(console): State<Console>, viewer: Viewer) -> Page {
    let organisation = store::organisations::get(&console.db, &viewer.scope).await?;
    let shell = viewer.shell("settings");
    Ok(Html(Settings {
        shell,
        organisation,
        version: console.settings.version,
    })
    .into_response())
}
