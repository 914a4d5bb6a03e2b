//! What each tool becomes, for one grant, and what of that publishing would change.

use policy::{Policy, ToolVerdict};
use site::lines::Lines;
use time::OffsetDateTime;

use super::{
    super::{around::Around, draft::Fields},
    Offered, caller, offered,
};
use crate::actions::{
    decide::{Caller, unix_ms},
    preview::{self as previews, Base, Line},
    subject::Subject,
};

/// How many tools are listed. All are counted.
const ROWS_MAX: usize = 500;

/// For whom, as the form says.
pub(crate) struct Whom {
    offered: Vec<Offered>,
    picked: String,
    label: String,
    caller: Caller,
    show: String,
}

impl Whom {
    pub(super) fn of(fields: &Fields, around: &Around) -> Self {
        let offered = offered(around);
        let first = || offered.first().filter(|grant| grant.has);
        let picked = match (fields.has("grant"), first()) {
            (false, Some(first)) => first.id.clone(),
            _ => fields.get("grant").to_owned(),
        };
        let label = fields.get("grant_label").trim().to_owned();
        Self {
            caller: caller(&around.grants, &picked, &label),
            show: fields.get("show").to_owned(),
            offered,
            picked,
            label,
        }
    }
}

/// The pane.
pub(crate) struct Preview {
    pub(crate) readable: bool,
    pub(crate) tools_known: bool,
    pub(crate) offered: Vec<Offered>,
    pub(crate) picked: String,
    /// Of a grant that is only described.
    pub(crate) label: String,
    /// Whether something is published to compare with.
    pub(crate) compared: bool,
    /// The first [`ROWS_MAX`] tools.
    pub(crate) rows: Vec<Row>,
    pub(crate) total: usize,
    /// How many tools publishing would change.
    pub(crate) changed: usize,
    /// Which rows are shown.
    pub(crate) show: String,
}

/// One tool.
pub(crate) struct Row {
    pub(crate) line: Line,
    /// Where its rule stands in the text.
    pub(crate) at: Option<usize>,
}

impl Preview {
    pub(super) fn of(
        subject: &Subject,
        policy: Option<&Policy>,
        around: &Around,
        whom: Whom,
        lines: &Lines<'_>,
        now: OffsetDateTime,
    ) -> Self {
        let all = policy.map_or_else(Vec::new, |policy| {
            let base = Base::new(subject, policy, around.published.as_deref());
            let now = unix_ms(now).unwrap_or_default();
            previews::lines(subject, policy, &base, &whom.caller, now)
        });
        let row = |line: Line| Row {
            at: line.now.rule.as_ref().and_then(|rule| lines.at(rule)),
            line,
        };
        Self {
            readable: policy.is_some(),
            tools_known: subject.tools.is_some(),
            compared: all.iter().any(|line| line.published.is_some()),
            total: all.len(),
            changed: all.iter().filter(|line| line.changes).count(),
            rows: all.into_iter().take(ROWS_MAX).map(row).collect(),
            offered: whom.offered,
            picked: whom.picked,
            label: whom.label,
            show: whom.show,
        }
    }

    /// The filters that have anything to show: value, words and how many.
    pub(crate) fn filters(&self) -> Vec<(&'static str, &'static str, usize)> {
        let changed = self.rows.iter().filter(|row| row.line.changes).count();
        let mut filters = vec![("", "All", self.rows.len())];
        if self.compared {
            filters.push(("changes", "Changes", changed));
        }
        for verdict in [
            ToolVerdict::Allowed,
            ToolVerdict::Depends,
            ToolVerdict::Approval,
            ToolVerdict::Refused,
            ToolVerdict::Hidden,
        ] {
            let n = self
                .rows
                .iter()
                .filter(|row| row.line.now.verdict == verdict)
                .count();
            if n > 0 {
                let (class, word) = said(verdict);
                filters.push((class, word, n));
            }
        }
        filters
    }
}

impl Row {
    pub(crate) fn verdict(&self) -> (&'static str, &'static str) {
        said(self.line.now.verdict)
    }

    /// The verdict in force, where it is another.
    pub(crate) fn before(&self) -> Option<(&'static str, &'static str)> {
        let published = self.line.published.as_ref()?;
        (published.verdict != self.line.now.verdict).then(|| said(published.verdict))
    }
}

/// A verdict's class and word.
pub(crate) const fn said(verdict: ToolVerdict) -> (&'static str, &'static str) {
    match verdict {
        ToolVerdict::Allowed => ("allowed", "Allowed"),
        ToolVerdict::Depends => ("depends", "Depends"),
        ToolVerdict::Approval => ("waiting", "Approval"),
        ToolVerdict::Refused => ("refused", "Refused"),
        ToolVerdict::Hidden => ("hidden", "Hidden"),
    }
}
