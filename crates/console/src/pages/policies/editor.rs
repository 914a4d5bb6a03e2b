//! The policy editor.

use std::sync::Arc;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{Scope, Tool};
use policy::Fault;
use store::{policies::PolicyInfo, servers::Server};

use super::{
    around::Loaded,
    builder::{Builder, View},
    draft::{Draft, Place},
    excerpt::Finding,
    panes::{Panes, Tried},
    race::Race,
    shadow::Shadow,
    starters::Starters,
};
use crate::{
    actions::examine::{Findings, is_test},
    pages::{Html, PageError, fields::Faults, filters},
    session::Shell,
    state::Console,
};

/// How many faults, and how many warnings, are shown with the lines around them. A document of
/// 256 KiB can have tens of thousands, and each takes a walk through the text.
const FINDINGS: usize = 50;

#[derive(Template)]
#[template(path = "policies/editor.html")]
pub(super) struct EditorPage {
    pub(super) shell: Shell,
    pub(super) server: Server,
    /// None while the policy is being made.
    pub(super) policy: Option<PolicyInfo>,
    pub(super) draft: Draft,
    builder: Builder,
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
    /// What the rules that only record would have done.
    shadow: Shadow,
    /// Documents to begin with, where the policy is new.
    starters: Starters,
    /// What was just done to the text.
    remark: Option<String>,
}

/// The builder and the bottom of the page alone, for the script that has it made anew while someone types.
#[derive(Template)]
#[template(path = "policies/look.html")]
pub(super) struct PanesPart {
    pub(super) shell: Shell,
    pub(super) policy: Option<PolicyInfo>,
    pub(super) builder: Builder,
    pub(super) panes: Panes,
}

/// The builder of what is in the editor.
pub(super) async fn built(
    console: &Console,
    shell: &Shell,
    place: Place,
    draft: &mut Draft,
    tools: Option<Arc<[Tool]>>,
    found: &Findings,
) -> Result<Builder, PageError> {
    let sent = || View::sent(&draft.fields);
    let view = draft.view.take().unwrap_or_else(sent);
    let (text, report) = (draft.document.clone(), found.report.clone());
    let (may_edit, action) = (shell.edits_policies(), place.action());
    let build = move || Builder::new(&text, tools.as_deref(), &report, view, may_edit, action);
    Ok(console.desk.work(build).await?)
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
        } = Loaded::read(console, scope, place, true).await?;
        let tools = around.tools.clone();
        let shadow = match &policy {
            Some(policy) => Shadow::of(console, scope, policy.id, &draft.document).await?,
            None => Shadow::default(),
        };
        let (panes, found) = Panes::look(console, &draft, around).await?;
        let mut draft = draft;
        let builder = built(console, &shell, place, &mut draft, tools, &found).await?;
        let page = Self {
            shell,
            server,
            policy,
            draft,
            builder,
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
            shadow,
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
        let faults: Vec<_> = faults.filter(|fault| !is_test(fault)).collect();
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

    /// With documents to begin with, one of which may be in the editor.
    pub(super) fn beginning(mut self, starters: Starters) -> Self {
        self.starters = starters;
        self.unsaved = false;
        self
    }

    /// With the text of a version, which is not unsaved where it is the newest.
    pub(super) fn of_version(mut self, version: i32) -> Self {
        self.unsaved = self
            .policy
            .as_ref()
            .is_none_or(|policy| policy.latest_version != version);
        if self.unsaved {
            let said = "is in the editor. Saving makes it the next version.";
            return self.remarked(format!("Version {version} {said}"));
        }
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
            Some(policy) => Place::Policy(policy.id).action(),
            None => Place::New(self.server.id).action(),
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
}
