//! The policy editor.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{PolicyId, Scope, ServerId};
use policy::Fault;
use serde::Deserialize;
use store::{
    PageRequest,
    policies::{PolicyInfo, Version},
    servers::Server,
};

use super::{
    draft::{Draft, Place},
    excerpt::Finding,
    panes::{Around, HISTORY, Panes, Tried},
    race::Race,
    rule,
    starters::Starters,
};
use crate::{
    actions::{self, examine::Findings, preview as previews},
    pages::{
        Html, Page, PageError,
        fields::Faults,
        filters,
        path::{Id, Query},
    },
    session::{Editor, Shell, Viewer},
    state::Console,
};

/// How many faults, and how many warnings, are shown with the lines around them. A document of
/// 256 KiB can have tens of thousands, and each takes a walk through the text.
const FINDINGS: usize = 50;
/// How many grants of the server the pickers know.
const GRANTS: u16 = 200;

#[derive(Template)]
#[template(path = "policies/editor.html")]
pub(super) struct EditorPage {
    pub(super) shell: Shell,
    pub(super) server: Server,
    tools: Vec<String>,
    /// None while the policy is being made.
    pub(super) policy: Option<PolicyInfo>,
    pub(super) draft: Draft,
    panes: Panes,
    /// What keeps the text from being saved: the first [`FINDINGS`] of `fault_count`, and so with
    /// the warnings.
    findings: Vec<Finding>,
    fault_count: usize,
    warnings: Vec<Finding>,
    warning_count: usize,
    /// What keeps a text that could be saved from being published.
    hindrances: Vec<Fault>,
    /// A button asked whether anything is wrong, and nothing is.
    valid: bool,
    /// What is in the editor is stored nowhere.
    unsaved: bool,
    faults: Faults,
    race: Option<Race>,
    /// Documents to begin with, where the policy is new.
    starters: Starters,
    /// What was just done to the text.
    remark: Option<String>,
}

/// The bottom of the page alone, for the script that has it made anew while someone types.
#[derive(Template)]
#[template(path = "policies/panes.html")]
pub(super) struct PanesPart {
    shell: Shell,
    policy: Option<PolicyInfo>,
    panes: Panes,
}

/// What the page shows besides the draft.
struct Loaded {
    server: Server,
    policy: Option<PolicyInfo>,
    around: Around,
}

impl EditorPage {
    /// Reads all that surrounds the draft, and looks at the draft.
    ///
    /// # Errors
    /// `NotFound` where server or policy are not this organisation's.
    pub(super) async fn load(
        console: &Console,
        scope: &Scope,
        shell: Shell,
        place: Place,
        draft: Draft,
    ) -> Result<Self, PageError> {
        let Loaded {
            server,
            policy,
            around,
        } = surroundings(console, scope, place, true).await?;
        let tools = around.tools.iter().flat_map(|tools| tools.iter());
        let tools = tools.map(|tool| tool.name.clone()).collect();
        let (panes, found) = Panes::look(console, &draft, around).await?;
        let page = Self {
            shell,
            server,
            tools,
            policy,
            draft,
            panes,
            findings: Vec::new(),
            fault_count: 0,
            warnings: Vec::new(),
            warning_count: 0,
            hindrances: Vec::new(),
            valid: false,
            unsaved: true,
            faults: Faults::default(),
            race: None,
            starters: Starters::default(),
            remark: None,
        };
        Ok(page.found(found))
    }

    /// With what was found in the text. Tests that fail keep it from being published only.
    fn found(mut self, found: Findings) -> Self {
        let text = &self.draft.document;
        let first = |list: Vec<Fault>| {
            let first = list.into_iter().take(FINDINGS);
            first.map(|f| Finding::new(f, text)).collect()
        };
        let faults = found.report.faults.into_iter();
        let faults: Vec<_> = faults.filter(|fault| fault.code != "test_failed").collect();
        self.fault_count = faults.len();
        self.findings = first(faults);
        self.warning_count = found.report.warnings.len();
        self.warnings = first(found.report.warnings);
        self.hindrances = found.hindrances;
        self
    }

    pub(super) fn checked(mut self) -> Self {
        self.valid = self.findings.is_empty();
        self
    }

    pub(super) fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    pub(super) fn remarked(mut self, remark: String) -> Self {
        self.remark = Some(remark);
        self
    }

    /// With what someone else did meanwhile; saving again goes on top of it.
    pub(super) fn raced(mut self, race: Race) -> Self {
        self.draft.revision = self.policy.as_ref().map(|policy| policy.revision);
        self.draft.base = self.policy.as_ref().map(|policy| policy.latest_version);
        self.race = Some(race);
        self
    }

    pub(super) fn answer(self, status: StatusCode) -> Response {
        (status, Html(self)).into_response()
    }

    /// Whether something keeps the text from being published.
    pub(super) fn is_hindered(&self) -> bool {
        !self.hindrances.is_empty()
    }

    fn action(&self) -> String {
        match &self.policy {
            Some(policy) => format!("/policies/{}", policy.id),
            None => format!("/servers/{}/policies/new", self.server.id),
        }
    }

    fn sentence(&self) -> String {
        let Some(policy) = &self.policy else {
            return format!(
                "Rules for {}. Nothing changes until a grant has the policy.",
                self.server.name
            );
        };
        let grants = match policy.grant_count {
            0 => "no grant uses it".to_owned(),
            1 => "1 grant uses it".to_owned(),
            n => format!("{n} grants use it"),
        };
        match policy.published_version {
            None => format!("Not published: a grant with it refuses every call; {grants}."),
            Some(version) if version == policy.latest_version => {
                format!("Version {version} is in force; {grants}.")
            }
            Some(version) => format!(
                "Version {version} is in force; {grants}. Version {} is the newest.",
                policy.latest_version
            ),
        }
    }

    /// The lines with faults, for the editor's numbers.
    fn bad_lines(&self) -> String {
        let lines: Vec<String> = self
            .findings
            .iter()
            .map(|finding| finding.fault.line.to_string())
            .collect();
        lines.join(" ")
    }

    fn windows(&self) -> &'static [&'static str] {
        rule::WINDOWS
    }

    fn kinds(&self) -> &'static [(&'static str, &'static str)] {
        rule::KINDS
    }
}

/// `POST`, with `act=look`: the panes of what is in the editor now, and nothing else.
pub(super) async fn look(
    console: &Console,
    scope: &Scope,
    shell: Shell,
    place: Place,
    draft: Draft,
) -> Page {
    let loaded = surroundings(console, scope, place, false).await?;
    let (panes, _) = Panes::look(console, &draft, loaded.around).await?;
    Ok(Html(PanesPart {
        shell,
        policy: loaded.policy,
        panes,
    })
    .into_response())
}

async fn surroundings(
    console: &Console,
    scope: &Scope,
    place: Place,
    with_history: bool,
) -> Result<Loaded, PageError> {
    let (policy, server) = match place {
        Place::New(server) => (None, server),
        Place::Policy(id) => {
            let policy = store::policies::get(&console.db, scope, id).await?;
            let server = policy.server;
            (Some(policy), server)
        }
    };
    let server = store::servers::get(&console.db, scope, server).await?;
    let tools = actions::policies::inventory(console, scope, server.id).await?;
    let page = |limit| PageRequest { limit, after: None };
    let grants = store::grants::list(&console.db, scope, Some(server.id), page(GRANTS)).await?;
    let (mut published, mut versions) = (None, Vec::new());
    if let Some(policy) = &policy {
        published = previews::published(console, scope, policy).await?;
        if with_history {
            let request = page(HISTORY + 1);
            versions = store::policies::versions(&console.db, scope, policy.id, request)
                .await?
                .items;
        }
    }
    let around = Around {
        policy: policy.clone(),
        tools: tools.map(Arc::from),
        grants: grants.items,
        published,
        versions,
    };
    Ok(Loaded {
        server,
        policy,
        around,
    })
}

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
    let mut page = EditorPage::load(&console, &editor.scope, shell, Place::New(id), draft).await?;
    page.starters = starters;
    page.unsaved = false;
    Ok(page.answer(StatusCode::OK))
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
    let mut page =
        EditorPage::load(&console, &viewer.scope, shell, Place::Policy(id), draft).await?;
    page.unsaved = number != policy.latest_version;
    if page.unsaved {
        page = page.remarked(format!(
            "Version {number} is in the editor. Saving makes it the next version."
        ));
    }
    Ok(page.answer(StatusCode::OK))
}
