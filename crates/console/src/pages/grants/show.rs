//! The page of one grant.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{GrantId, Scope};
use secrecy::{ExposeSecret, SecretString};
use store::{
    PageRequest,
    audit::Filter,
    grants::{Grant, GrantState},
    policies::PolicyInfo,
    servers::Server,
};

use super::{
    snippets::{self, Snippet},
    word,
};
use crate::{
    actions,
    pages::{Html, Page, PageError, audit::Line, fields::Faults, filters, path::Id},
    session::{Shell, Viewer},
    state::Console,
};

/// What stands for the token where it is not shown.
const PLACEHOLDER: &str = "YOUR-TOKEN";
/// How many of its newest calls the page shows.
const CALLS: u16 = 8;

#[derive(Template)]
#[template(path = "grants/show.html")]
pub(super) struct GrantPage {
    shell: Shell,
    grant: Grant,
    word: &'static str,
    server: Server,
    policies: Vec<PolicyInfo>,
    proxy_url: String,
    snippets: Vec<Snippet>,
    /// The token, in the answer to what just made it or asked to see it.
    token: Option<String>,
    events: Vec<Line>,
    faults: Faults,
    raced: bool,
    form: EditForm,
}

/// What the edit form holds, as typed.
#[derive(Default)]
pub(super) struct EditForm {
    pub(super) label: String,
    pub(super) identity: String,
    pub(super) policy: String,
}

impl GrantPage {
    fn alive(&self) -> bool {
        matches!(self.grant.state, GrantState::Active | GrantState::Paused)
    }

    /// The state in a sentence.
    fn sentence(&self) -> String {
        let published = self
            .policies
            .iter()
            .find(|policy| Some(policy.id) == self.grant.policy);
        let rules = match published {
            None => "without a policy, so every call is refused".to_owned(),
            Some(PolicyInfo {
                name,
                published_version: None,
                ..
            }) => {
                format!("under policy {name}, which is not published, so every call is refused")
            }
            Some(PolicyInfo {
                name,
                published_version: Some(version),
                ..
            }) => {
                format!("under policy {name} v{version}")
            }
        };
        let server = &self.server.name;
        match self.grant.state {
            GrantState::Active => format!("Works for {server}, {rules}."),
            GrantState::Paused => {
                format!("Paused: every call to {server} is refused until it is resumed.")
            }
            GrantState::Expired => {
                format!("Expired: every call to {server} is refused. Issue a new grant.")
            }
            GrantState::Revoked => format!("Revoked: every call to {server} is refused, for good."),
        }
    }
}

impl GrantPage {
    /// # Errors
    /// Its server, policies or calls cannot be read.
    pub(super) async fn load(
        console: &Console,
        scope: &Scope,
        shell: Shell,
        grant: Grant,
        token: Option<SecretString>,
    ) -> Result<Self, PageError> {
        let server = store::servers::get(&console.db, scope, grant.server).await?;
        let all = PageRequest {
            limit: 200,
            after: None,
        };
        let policies = store::policies::list(&console.db, scope, grant.server, all)
            .await?
            .items;
        let filter = Filter {
            grant: Some(grant.id),
            ..Filter::calls()
        };
        let newest = PageRequest {
            limit: CALLS,
            after: None,
        };
        let events = store::audit::list(&console.db, scope, &filter, newest)
            .await?
            .items;
        let proxy_url = actions::servers::proxy_url(console, grant.server);
        let token = token.map(|token| token.expose_secret().to_owned());
        let shown = token.as_deref().unwrap_or(PLACEHOLDER);
        Ok(Self {
            snippets: snippets::all(server.slug.as_str(), &proxy_url, shown),
            word: word(grant.state),
            form: EditForm {
                label: grant.label.to_string(),
                identity: grant
                    .identity
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                policy: grant.policy.map(|id| id.to_string()).unwrap_or_default(),
            },
            events: events.into_iter().map(Line::from).collect(),
            faults: Faults::default(),
            raced: false,
            shell,
            grant,
            server,
            policies,
            proxy_url,
            token,
        })
    }

    /// The same page with a form that could not be saved.
    pub(super) fn with(mut self, form: EditForm, faults: Faults, raced: bool) -> Response {
        (self.form, self.faults, self.raced) = (form, faults, raced);
        (axum::http::StatusCode::UNPROCESSABLE_ENTITY, Html(self)).into_response()
    }
}

/// `GET /grants/{grant}` shows the grant; its token only where it was just made.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<GrantId>,
) -> Page {
    let grant = store::grants::get(&console.db, &viewer.scope, id).await?;
    let shell = viewer.shell("grants");
    let page = GrantPage::load(&console, &viewer.scope, shell, grant, None).await?;
    Ok(Html(page).into_response())
}
