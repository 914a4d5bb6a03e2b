//! What the editor's buttons do: check, add a rule, save, publish.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use domain::{Name, PolicyId, ServerId};
use policy::Report;

use super::{
    editor::{Draft, EditorPage, Place},
    rule::{self, Change},
};
use crate::{
    actions::{self, ActionError},
    pages::{Page, PageError, fields::Faults, path::Id},
    session::{self, Form},
    state::Console,
};

/// `POST /servers/{server}/policies/new`: the editor of a policy that is not stored yet.
pub(super) async fn create(
    State(console): State<Console>,
    editor: session::Editor,
    Id(server): Id<ServerId>,
    Form(draft): Form<Draft>,
) -> Page {
    let place = Place::New(server);
    let publish = draft.act == "publish";
    if !publish && draft.act != "save" {
        return on_text(&console, &editor, place, draft).await;
    }
    let mut faults = Faults::default();
    let Some(name) = faults.parse::<Name>("name", draft.name.trim()) else {
        let page = page(&console, &editor, place, draft).await?;
        return Ok(page
            .with_faults(faults)
            .answer(StatusCode::UNPROCESSABLE_ENTITY));
    };
    let made = actions::policies::create(
        &console,
        &editor.scope,
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
        Err(error) => refused(&console, &editor, place, draft, error).await,
    }
}

/// `POST /policies/{policy}`: the editor of a stored policy.
pub(super) async fn save(
    State(console): State<Console>,
    editor: session::Editor,
    Id(id): Id<PolicyId>,
    Form(draft): Form<Draft>,
) -> Page {
    let place = Place::Policy(id);
    let publish = draft.act == "publish";
    if !publish && draft.act != "save" {
        return on_text(&console, &editor, place, draft).await;
    }
    let note = Some(draft.note.trim()).filter(|note| !note.is_empty());
    let added = actions::policies::add_version(
        &console,
        &editor.scope,
        id,
        draft.revision,
        &draft.document,
        note,
    )
    .await;
    let version = match added {
        Ok(version) => version,
        Err(error) => return refused(&console, &editor, place, draft, error).await,
    };
    if !publish {
        return Ok(Redirect::to(&format!("/policies/{id}?done=policy-saved")).into_response());
    }
    // The version that was just added is named, so nothing that came in between is published.
    actions::policies::publish(&console, &editor.scope, id, None, version.version).await?;
    Ok(Redirect::to(&format!("/policies/{id}?done=policy-published")).into_response())
}

/// The buttons that only work on the text: nothing is stored.
async fn on_text(
    console: &Console,
    editor: &session::Editor,
    place: Place,
    mut draft: Draft,
) -> Page {
    let mut faults = Faults::default();
    let mut remark = None;
    if draft.act == "rule" {
        match ruled(&draft, &mut faults) {
            Some((text, said)) => {
                draft.document = text;
                remark = Some(said);
            }
            None => {
                let page = page(console, editor, place, draft).await?;
                return Ok(page
                    .with_faults(faults)
                    .answer(StatusCode::UNPROCESSABLE_ENTITY));
            }
        }
    }
    let report = check(console, editor, place, &draft.document).await?;
    let mut page = page(console, editor, place, draft).await?.checked(report);
    if let Some(remark) = remark {
        page = page.remarked(remark);
    }
    Ok(page.answer(StatusCode::OK))
}

/// The text with the rule that the form describes, and what to say of it.
fn ruled(draft: &Draft, faults: &mut Faults) -> Option<(String, String)> {
    let tool = draft.tool.trim();
    if tool.is_empty() {
        faults.add("tool", "is missing");
        return None;
    }
    let (change, said) = match draft.kind.as_str() {
        "allow" => (Change::Allow, format!("{tool} may be called")),
        "deny" => {
            let reason = draft.reason.trim().to_owned();
            (Change::Deny { reason }, format!("{tool} is denied"))
        }
        "hide" => (Change::Hide, format!("{tool} is hidden")),
        "limit" => {
            let Ok(max) = draft.max.trim().parse::<u64>() else {
                faults.add("max", "must be a whole number");
                return None;
            };
            let window = draft.window.clone();
            let said = format!("{tool} may be called {max} times a {window}, by each grant");
            (Change::Limit { max, window }, said)
        }
        _ => {
            faults.add("kind", "is missing");
            return None;
        }
    };
    match rule::apply(&draft.document, tool, &change) {
        Ok(text) => Some((text, format!("In the editor now, not saved: {said}."))),
        Err(error) => {
            faults.add("document", error);
            None
        }
    }
}

/// The editor again, with everything typed still in it, saying what stood in the way.
async fn refused(
    console: &Console,
    editor: &session::Editor,
    place: Place,
    draft: Draft,
    error: ActionError,
) -> Page {
    let text = draft.document.clone();
    let shown = page(console, editor, place, draft).await?;
    match error {
        ActionError::Policy(faults) => {
            let warnings = check(console, editor, place, &text).await?.warnings;
            let report = Report {
                valid: false,
                faults,
                warnings,
            };
            Ok(shown
                .checked(report)
                .answer(StatusCode::UNPROCESSABLE_ENTITY))
        }
        ActionError::Stale => Ok(shown.raced().answer(StatusCode::CONFLICT)),
        other => {
            let faults = Faults::from_action(other)?;
            Ok(shown
                .with_faults(faults)
                .answer(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

async fn page(
    console: &Console,
    editor: &session::Editor,
    place: Place,
    draft: Draft,
) -> Result<EditorPage, PageError> {
    EditorPage::load(
        console,
        &editor.scope,
        editor.shell("servers"),
        place,
        draft,
    )
    .await
}

async fn check(
    console: &Console,
    editor: &session::Editor,
    place: Place,
    text: &str,
) -> Result<Report, PageError> {
    let server = place.server(console, &editor.scope).await?;
    let found = actions::examine::check(console, &editor.scope, text, Some(server)).await?;
    Ok(found.report)
}
