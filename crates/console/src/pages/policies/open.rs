//! Opening the editor: on a new policy, on a stored one, and only its lower half.

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use domain::{Capability, PolicyId, Scope, ServerId};
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
    actions::{self, ActionError, subject::Rules},
    pages::{
        Html, Page,
        fields::Faults,
        path::{Id, Query},
        put::Rule,
    },
    session::{Asks, Editor, Member, Shell, Viewer},
    state::Console,
};

#[derive(Deserialize)]
pub(super) struct Begin {
    start: Option<String>,
    put: Option<String>,
}

/// `GET /servers/{server}/policies/new` shows the editor with a policy that refuses everything, or
/// with the one that `?start=` names; with the rule of the catalogue that `?put=` names in it.
pub(super) async fn show_new(
    State(console): State<Console>,
    editor: Editor,
    Id(id): Id<ServerId>,
    Query(Begin { start, put }): Query<Begin>,
) -> Page {
    let offers = actions::starters::starters(&console, &editor.scope, id).await?;
    let starters = Starters::new(offers, start.as_deref());
    let draft = Draft {
        document: starters.document().to_owned(),
        name: starters.name().to_owned(),
        ..Draft::default()
    };
    if let Some(put) = put {
        let rule = Rule::read(&console, &put).await?;
        let draft = Draft {
            name: rule.policy_name(),
            ..draft
        };
        return with_rule(&console, &editor, Place::New(id), draft, &rule).await;
    }
    let shell = editor.shell("servers");
    let page = EditorPage::load(&console, &editor.scope, shell, Place::New(id), draft).await?;
    Ok(page.beginning(starters).answer(StatusCode::OK))
}

#[derive(Deserialize)]
pub(super) struct From {
    from: Option<i32>,
    put: Option<String>,
}

/// The editor with a rule of the catalogue merged into the text: nothing is stored by that.
async fn with_rule<C: Asks>(
    console: &Console,
    member: &Member<C>,
    place: Place,
    mut draft: Draft,
    rule: &Rule,
) -> Page {
    actions::require(&member.scope, Capability::EditPolicies)?;
    let server = place.server(console, &member.scope).await?;
    let text = draft.document.clone();
    let whole = Rules::Document(&text);
    let both =
        actions::merge::merge(console, &member.scope, whole, Some(server), &rule.document).await;
    let mut faults = Faults::default();
    let mut remark = None;
    match both {
        Ok(both) => {
            remark = Some(format!(
                "In the editor now, not saved: {}. {}",
                rule.what,
                both.said()
            ));
            draft.document = both.document;
        }
        Err(ActionError::Fields(wrong)) => {
            for fault in wrong {
                faults.add("document", format!("The rule {}", fault.detail));
            }
        }
        // The page looks at the text by itself, and finds the same.
        Err(ActionError::Policy(_)) => {
            faults.add(
                "document",
                "The rule is not in it: the text has to be mended first.",
            );
        }
        Err(error) => return Err(error.into()),
    }
    let shell = member.shell("servers");
    let page = EditorPage::load(console, &member.scope, shell, place, draft).await?;
    let page = page.with_faults(faults);
    Ok(match remark {
        Some(remark) => page.remarked(remark).answer(StatusCode::OK),
        None => page.answer(StatusCode::UNPROCESSABLE_ENTITY),
    })
}

/// `GET /policies/{policy}` shows the newest version in the editor, or the one in `?from=`; with the
/// rule of the catalogue that `?put=` names in it.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<PolicyId>,
    Query(From { from, put }): Query<From>,
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
    if let Some(put) = put {
        let rule = Rule::read(&console, &put).await?;
        return with_rule(&console, &viewer, Place::Policy(id), draft, &rule).await;
    }
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
