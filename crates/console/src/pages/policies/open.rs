//! Opening the editor: on a new policy, on a stored one, and only its lower half.

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use domain::{PolicyId, Scope, ServerId};
use serde::Deserialize;
use store::policies::Version;

use super::{
    around::Loaded,
    draft::{Draft, Place},
    editor::{EditorPage, PanesPart, built},
    panes::Panes,
    starters::Starters,
};
use crate::{
    actions,
    pages::{
        Html, Page,
        path::{Id, Query},
    },
    session::{Editor, Shell, Viewer},
    state::Console,
};

#[derive(Deserialize)]
pub(super) struct Begin {
    start: Option<String>,
}

/// `GET /servers/{server}/policies/new` shows the editor with a policy that refuses everything, or
/// with the one that `?start=` names.
pub(super) async fn show_new(
    State(console): State<Console>,
    editor: Editor,
    Id(id): Id<ServerId>,
    Query(Begin { start }): Query<Begin>,
) -> Page {
    let offers = actions::starters::starters(&console, &editor.scope, id).await?;
    let starters = Starters::new(offers, start.as_deref());
    let draft = Draft {
        document: starters.document().to_owned(),
        name: starters.name().to_owned(),
        ..Draft::default()
    };
    let shell = editor.shell("servers");
    let page = EditorPage::load(&console, &editor.scope, shell, Place::New(id), draft).await?;
    Ok(page.beginning(starters).answer(StatusCode::OK))
}

#[derive(Deserialize)]
pub(super) struct From {
    from: Option<i32>,
}

/// `GET /policies/{policy}` shows the newest version in the editor, or the one in `?from=`.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<PolicyId>,
    Query(From { from }): Query<From>,
) -> Page {
    let policy = store::policies::get(&console.db, &viewer.scope, id).await?;
    let number = from.unwrap_or(policy.latest_version);
    let Version { document, .. } =
        store::policies::version(&console.db, &viewer.scope, id, number).await?;
    let draft = Draft {
        document,
        revision: Some(policy.revision),
        base: Some(policy.latest_version),
        ..Draft::default()
    };
    let shell = viewer.shell("servers");
    let page = EditorPage::load(&console, &viewer.scope, shell, Place::Policy(id), draft).await?;
    Ok(page.of_version(number).answer(StatusCode::OK))
}

/// `POST`, with `act=look`: the builder and the panes of what is in the
/// editor now, and nothing else.
pub(super) async fn look(
    console: &Console,
    scope: &Scope,
    shell: Shell,
    place: Place,
    mut draft: Draft,
) -> Page {
    let loaded = Loaded::read(console, scope, place, false).await?;
    let tools = loaded.around.tools.clone();
    let (panes, found) = Panes::look(console, &draft, loaded.around).await?;
    let builder = built(console, &shell, place, &mut draft, tools, &found).await?;
    Ok(Html(PanesPart {
        shell,
        policy: loaded.policy,
        builder,
        panes,
    })
    .into_response())
}
