//! The policy editor.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{PolicyId, Scope, ServerId};
use policy::Report;
use serde::Deserialize;
use store::{
    PageRequest,
    policies::{PolicyInfo, Version},
    servers::Server,
};

use super::excerpt::Finding;
use crate::{
    actions,
    pages::{
        Html, Page, PageError,
        fields::Faults,
        filters,
        path::{Id, Query},
    },
    session::{Editor, Shell, Viewer},
    state::Console,
};

/// What a new policy starts as: everything is refused until a rule allows it.
const START: &str = "{\n  \"version\": \"1\",\n  \"default\": \"deny\",\n  \"tools\": {}\n}\n";
/// How many versions the history shows.
const HISTORY: u16 = 30;
/// How many faults, and how many warnings, are shown with the lines around them. A document of
/// 256 KiB can have tens of thousands, and each takes a walk through the text.
const FINDINGS: usize = 50;

/// The form as it was sent, whichever button sent it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) document: String,
    pub(super) note: String,
    pub(super) revision: Option<i32>,
    pub(super) act: String,
    pub(super) tool: String,
    pub(super) kind: String,
    pub(super) reason: String,
    pub(super) max: String,
    pub(super) window: String,
}

#[derive(Template)]
#[template(path = "policies/editor.html")]
pub(super) struct EditorPage {
    shell: Shell,
    server: Server,
    tools: Vec<String>,
    /// None while the policy is being made.
    policy: Option<PolicyInfo>,
    versions: Vec<Version>,
    draft: Draft,
    /// The first [`FINDINGS`] of `fault_count`, and so with the warnings.
    findings: Vec<Finding>,
    fault_count: usize,
    warnings: Vec<Finding>,
    warning_count: usize,
    /// The document was looked at, and nothing is wrong with it.
    valid: bool,
    /// What is in the editor is stored nowhere.
    unsaved: bool,
    faults: Faults,
    /// The version that someone else saved while this was being written.
    theirs: Option<Version>,
    /// What was just done to the text.
    remark: Option<String>,
}

impl EditorPage {
    /// Reads all that surrounds the draft.
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
        let (policy, server) = match place {
            Place::New(server) => (None, server),
            Place::Policy(id) => {
                let policy = store::policies::get(&console.db, scope, id).await?;
                let server = policy.server;
                (Some(policy), server)
            }
        };
        let server = store::servers::get(&console.db, scope, server).await?;
        let tools = store::servers::tools(&console.db, scope, server.id)
            .await?
            .unwrap_or_default();
        let versions = match &policy {
            None => Vec::new(),
            Some(policy) => {
                let request = PageRequest {
                    limit: HISTORY,
                    after: None,
                };
                store::policies::versions(&console.db, scope, policy.id, request)
                    .await?
                    .items
            }
        };
        Ok(Self {
            shell,
            server,
            tools: tools.into_iter().map(|entry| entry.tool.name).collect(),
            policy,
            versions,
            draft,
            findings: Vec::new(),
            fault_count: 0,
            warnings: Vec::new(),
            warning_count: 0,
            valid: false,
            unsaved: true,
            faults: Faults::default(),
            theirs: None,
            remark: None,
        })
    }

    /// With what a check found.
    pub(super) fn checked(mut self, report: Report) -> Self {
        let text = &self.draft.document;
        self.valid = report.valid;
        let first = |list: Vec<policy::Fault>| {
            let first = list.into_iter().take(FINDINGS);
            first.map(|f| Finding::new(f, text)).collect()
        };
        self.fault_count = report.faults.len();
        self.findings = first(report.faults);
        self.warning_count = report.warnings.len();
        self.warnings = first(report.warnings);
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

    /// With the version that came first; saving again goes on top of it.
    pub(super) fn raced(mut self) -> Self {
        self.theirs = self.versions.first().cloned();
        self.draft.revision = self.policy.as_ref().map(|policy| policy.revision);
        self
    }

    pub(super) fn answer(self, status: StatusCode) -> Response {
        (status, Html(self)).into_response()
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
        &["second", "minute", "hour", "day", "week"]
    }

    fn kinds(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("limit", "Limit"),
            ("allow", "Allow"),
            ("deny", "Deny"),
            ("hide", "Hide"),
        ]
    }

    /// Whether publishing it would be a roll-back.
    fn is_older(&self, version: &Version) -> bool {
        let published = self
            .policy
            .as_ref()
            .and_then(|policy| policy.published_version);
        published.is_some_and(|published| version.version < published)
    }

    fn is_published(&self, version: &Version) -> bool {
        self.policy
            .as_ref()
            .is_some_and(|policy| policy.published_version == Some(version.version))
    }
}

/// What is being edited.
#[derive(Clone, Copy)]
pub(super) enum Place {
    New(ServerId),
    Policy(PolicyId),
}

impl Place {
    /// The server whose tools the document is checked against.
    pub(super) async fn server(
        self,
        console: &Console,
        scope: &Scope,
    ) -> Result<ServerId, PageError> {
        match self {
            Self::New(server) => Ok(server),
            Self::Policy(id) => Ok(store::policies::get(&console.db, scope, id).await?.server),
        }
    }
}

/// `GET /servers/{server}/policies/new` shows the editor with a policy that refuses everything.
pub(super) async fn show_new(
    State(console): State<Console>,
    editor: Editor,
    Id(id): Id<ServerId>,
) -> Page {
    let draft = Draft {
        document: START.to_owned(),
        max: "10".to_owned(),
        ..Draft::default()
    };
    let shell = editor.shell("servers");
    let mut page = EditorPage::load(&console, &editor.scope, shell, Place::New(id), draft).await?;
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
    let version = store::policies::version(&console.db, &viewer.scope, id, number).await?;
    let server = Some(policy.server);
    let report = actions::examine::check(&console, &viewer.scope, &version.document, server)
        .await?
        .report;
    let draft = Draft {
        document: version.document,
        revision: Some(policy.revision),
        max: "10".to_owned(),
        ..Draft::default()
    };
    let shell = viewer.shell("servers");
    let page = EditorPage::load(&console, &viewer.scope, shell, Place::Policy(id), draft).await?;
    let mut page = page.checked(report);
    page.unsaved = number != policy.latest_version;
    page.valid = false;
    if page.unsaved {
        page = page.remarked(format!(
            "Version {number} is in the editor. Saving makes it the next version."
        ));
    }
    Ok(page.answer(StatusCode::OK))
}
