//! The bottom of the editor: how the tests come out, what each tool becomes, one call tried, what
//! the document leaves out, and its history. All of it is made of the text as it is in the editor,
//! saved or not; nothing is called or charged.

mod coverage;
mod history;
mod preview;
mod tests;
mod trial;

use store::grants::Grant;
use time::OffsetDateTime;

use site::lines::Lines;

use super::{around::Around, draft::Draft};
use crate::{
    actions::{
        Result,
        decide::Caller,
        examine::{self, Findings},
        preview as previews,
        subject::Subject,
    },
    state::Console,
};

pub(super) use history::HISTORY;
pub(super) use trial::Tried;

/// The panes, ready to be shown.
pub(super) struct Panes {
    /// Which of them is in front.
    pub(super) tab: &'static str,
    pub(super) tests: tests::Tests,
    pub(super) preview: preview::Preview,
    pub(super) trial: trial::Trial,
    pub(super) coverage: coverage::Coverage,
    pub(super) history: history::History,
}

/// The panes' names, in their order.
const TABS: [&str; 5] = ["tests", "preview", "try", "coverage", "history"];

impl Panes {
    pub(super) fn current(&self, tab: &str) -> &'static str {
        if self.tab == tab { " checked" } else { "" }
    }

    /// Looks at the draft whole. Answers also what is wrong with it.
    pub(super) async fn look(
        console: &Console,
        draft: &Draft,
        around: Around,
    ) -> Result<(Self, Findings)> {
        let fields = &draft.fields;
        let subject = Subject {
            document: draft.document.as_str().into(),
            tools: around.tools.clone(),
        };
        let tab = TABS.into_iter().find(|tab| *tab == fields.get("tab"));
        let now = OffsetDateTime::now_utc();
        let whom = preview::Whom::of(fields, &around);
        let tried = trial::Asked::of(fields, &around.grants, now);
        let work = move || {
            let findings = examine::findings(&subject);
            let lines = Lines::of(&subject.document);
            let policy = findings.policy.clone();
            let panes = Self {
                tab: tab.unwrap_or(if findings.tests.is_empty() {
                    "preview"
                } else {
                    "tests"
                }),
                tests: tests::Tests::of(&findings, policy.is_some(), &lines),
                preview: preview::Preview::of(
                    &subject,
                    policy.as_ref(),
                    &around,
                    whom,
                    &lines,
                    now,
                ),
                trial: trial::Trial::of(
                    &subject,
                    policy.is_some(),
                    tried,
                    offered(&around),
                    &lines,
                ),
                coverage: coverage::Coverage::of(findings.coverage.clone(), &subject, &lines),
                history: history::History::of(&around, subject.tools.as_deref()),
            };
            (panes, findings)
        };
        console.desk.work(work).await
    }
}

/// A grant that a picker offers.
pub(super) struct Offered {
    pub(super) id: String,
    pub(super) label: String,
    /// Whether it has the policy now.
    pub(super) has: bool,
}

/// The live grants of the server, those with the policy first.
fn offered(around: &Around) -> Vec<Offered> {
    let of = around.policy.as_ref().map(|policy| policy.id);
    let mut offered: Vec<_> = around
        .grants
        .iter()
        .filter(|grant| previews::is_live(grant))
        .map(|grant| Offered {
            id: grant.id.to_string(),
            label: grant.label.as_str().to_owned(),
            has: of.is_some() && grant.policy == of,
        })
        .collect();
    offered.sort_by_key(|grant| !grant.has);
    offered
}

/// Who calls: a grant of the server, or one that is only described by a label.
fn caller(grants: &[Grant], picked: &str, label: &str) -> Caller {
    match grants.iter().find(|grant| grant.id.to_string() == picked) {
        Some(grant) => previews::caller_of(grant),
        None if label.is_empty() => previews::nobody(),
        None => Caller {
            label: label.to_owned(),
            ..Caller::default()
        },
    }
}
