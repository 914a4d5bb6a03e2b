//! What the editor's buttons do: look, check, build, save, review, publish.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use domain::{Capability, Name, PolicyId, ServerId};

use super::{
    builder,
    draft::{Draft, Place},
    editor::EditorPage,
    open,
    publish::ReviewPage,
    race::Race,
    shadow,
};
use crate::{
    actions::{self, ActionError},
    pages::{Page, PageError, fields::Faults, path::Id},
    session::{Form, Viewer},
    state::Console,
};

/// `POST /servers/{server}/policies/new`: the editor of a policy that is not stored yet.
pub(super) async fn create(
    State(console): State<Console>,
    viewer: Viewer,
    Id(server): Id<ServerId>,
    Form(draft): Form<Draft>,
) -> Page {
    // Its page is for editors only, unlike a stored policy's.
    actions::require(&viewer.scope, Capability::EditPolicies)?;
    let place = Place::New(server);
    let publish = match draft.act.as_str() {
        "publish" => true,
        "save" => false,
        _ => return on_text(&console, &viewer, place, draft).await,
    };
    let mut faults = Faults::default();
    let Some(name) = faults.parse::<Name>("name", draft.name.trim()) else {
        return faulty(&console, &viewer, place, draft, faults).await;
    };
    let made = actions::policies::create(
        &console,
        &viewer.scope,
        server,
        &name,
        &draft.document,
        publish,
    )
    .await;
    match made {
        Ok(policy) => {
            let done = if publish {
                "policy-published"
            } else {
                "policy-saved"
            };
            Ok(Redirect::to(&format!("/policies/{}?done={done}", policy.id)).into_response())
        }
        Err(error) => refused(&console, &viewer, place, draft, error).await,
    }
}

/// `POST /policies/{policy}`: the editor of a stored policy.
pub(super) async fn save(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<PolicyId>,
    Form(draft): Form<Draft>,
) -> Page {
    let place = Place::Policy(id);
    let publish = match draft.act.as_str() {
        "publish" => true,
        "save" => false,
        _ => return on_text(&console, &viewer, place, draft).await,
    };
    let saved = store(&console, &viewer, id, &draft, publish).await;
    let version = match saved {
        Ok(version) => version,
        Err(error) => return refused(&console, &viewer, place, draft, error).await,
    };
    if !publish {
        return Ok(Redirect::to(&format!("/policies/{id}?done=policy-saved")).into_response());
    }
    // The version that was just added is named, so nothing that came in between is published.
    actions::policies::publish(&console, &viewer.scope, id, None, version).await?;
    Ok(Redirect::to(&format!("/policies/{id}?done=policy-published")).into_response())
}

/// Adds the version; one that is to be published only if it can be, so that a refusal leaves nothing
/// behind.
async fn store(
    console: &Console,
    viewer: &Viewer,
    id: PolicyId,
    draft: &Draft,
    publish: bool,
) -> Result<i32, ActionError> {
    if publish {
        actions::policies::ready(console, &viewer.scope, id, &draft.document).await?;
    }
    let note = Some(draft.note.trim()).filter(|note| !note.is_empty());
    let (document, revision) = (&draft.document, draft.revision);
    let version =
        actions::policies::add_version(console, &viewer.scope, id, revision, document, note)
            .await?;
    Ok(version.version)
}

/// The buttons that only work on the text: nothing is stored.
async fn on_text(console: &Console, viewer: &Viewer, place: Place, mut draft: Draft) -> Page {
    if let Some(act) = draft.act.strip_prefix("build:").map(str::to_owned) {
        return build(console, viewer, place, draft, &act).await;
    }
    match draft.act.as_str() {
        "look" => {
            let shell = viewer.shell("servers");
            open::look(console, &viewer.scope, shell, place, draft).await
        }
        "review" => review(console, viewer, place, draft).await,
        "" if draft.fields.has("promote") => {
            let button = draft.fields.get("promote").to_owned();
            match shadow::promoted(&draft.document, &button) {
                Ok((text, said)) => {
                    draft.document = text;
                    let page = page(console, viewer, place, draft).await?;
                    Ok(page.remarked(said).answer(StatusCode::OK))
                }
                Err(why) => {
                    let mut faults = Faults::default();
                    faults.add("document", why);
                    faulty(console, viewer, place, draft, faults).await
                }
            }
        }
        // A call tried, or another grant's preview: the page shows it.
        "try" => {
            let page = page(console, viewer, place, draft).await?;
            Ok(page.answer(StatusCode::OK))
        }
        _ => {
            let page = page(console, viewer, place, draft).await?;
            Ok(page.checked().answer(StatusCode::OK))
        }
    }
}

/// A button of the builder: the text is edited, or something is unfolded.
async fn build(
    console: &Console,
    viewer: &Viewer,
    place: Place,
    mut draft: Draft,
    act: &str,
) -> Page {
    if !builder::only_looks(act) {
        actions::require(&viewer.scope, Capability::EditPolicies)?;
    }
    let server = place.server(console, &viewer.scope).await?;
    let tools = actions::policies::inventory(console, &viewer.scope, server).await?;
    let view = builder::View::sent(&draft.fields);
    let (act, text) = (act.to_owned(), std::mem::take(&mut draft.document));
    let work = move || builder::act(&act, &text, tools.as_deref(), view);
    let done = console.desk.work(work).await?;
    draft.document = done.document;
    draft.view = Some(done.view);
    let shown = page(console, viewer, place, draft).await?;
    let status = match done.failed {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    Ok(match done.remark {
        Some(remark) => shown.remarked(remark).answer(status),
        None => shown.answer(status),
    })
}

/// What publishing would change, to be confirmed; or the editor again, where it cannot be.
async fn review(console: &Console, viewer: &Viewer, place: Place, draft: Draft) -> Page {
    actions::require(&viewer.scope, Capability::EditPolicies)?;
    let mut faults = Faults::default();
    if matches!(place, Place::New(_)) {
        faults.parse::<Name>("name", draft.name.trim());
    }
    let page = page(console, viewer, place, draft).await?;
    if page.is_hindered() || !faults.is_empty() {
        return Ok(page
            .with_faults(faults)
            .answer(StatusCode::UNPROCESSABLE_ENTITY));
    }
    ReviewPage::of_draft(console, &viewer.scope, page).await
}

/// The editor again, with everything typed still in it, saying what stood in the way.
async fn refused(
    console: &Console,
    viewer: &Viewer,
    place: Place,
    draft: Draft,
    error: ActionError,
) -> Page {
    match (error, place) {
        // The page looks at the text by itself, and finds the same.
        (ActionError::Policy(_), _) => {
            faulty(console, viewer, place, draft, Faults::default()).await
        }
        (ActionError::Stale, Place::Policy(id)) => {
            let race = Race::find(console, &viewer.scope, id, draft.base).await?;
            let page = page(console, viewer, place, draft).await?;
            Ok(page.raced(race).answer(StatusCode::CONFLICT))
        }
        (other, _) => {
            let faults = Faults::from_action(other)?;
            faulty(console, viewer, place, draft, faults).await
        }
    }
}

async fn faulty(
    console: &Console,
    viewer: &Viewer,
    place: Place,
    draft: Draft,
    faults: Faults,
) -> Page {
    let page = page(console, viewer, place, draft).await?;
    Ok(page
        .with_faults(faults)
        .answer(StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page(
    console: &Console,
    viewer: &Viewer,
    place: Place,
    draft: Draft,
) -> Result<EditorPage, PageError> {
    let shell = viewer.shell("servers");
    EditorPage::load(console, &viewer.scope, shell, place, draft).await
}
