//! The versions, each with what it changed of the one before.

use domain::Tool;
use policy::Policy;
use store::policies::Version;

use super::super::{around::Around, changes::Changes};

/// How many versions are shown.
pub(in super::super) const HISTORY: u16 = 30;
/// So many bytes of documents are compared at most; of older versions it is not said what they
/// changed.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// The pane.
pub(crate) struct History {
    pub(crate) rows: Vec<Row>,
    /// Whether there are older versions than are shown.
    pub(crate) more: bool,
}

/// One version.
pub(crate) struct Row {
    pub(crate) version: Version,
    /// None for the first, and where it cannot be said.
    pub(crate) changes: Option<Changes>,
    pub(crate) published: bool,
    /// Whether publishing it would be a roll-back.
    pub(crate) older: bool,
}

impl History {
    /// `around` has one version more than is shown, for the last to be compared with.
    pub(super) fn of(around: &Around, tools: Option<&[Tool]>) -> Self {
        let published = around
            .policy
            .as_ref()
            .and_then(|policy| policy.published_version);
        let mut read = 0;
        let mut policies = around.versions.iter().map(|version| {
            read += version.document.len();
            (read <= BYTES_MAX).then(|| Policy::parse(&version.document).ok())?
        });
        let mut newer = policies.next().flatten();
        let shown = usize::from(HISTORY);
        let rows = around.versions.iter().take(shown).map(|version| {
            let older = policies.next().flatten();
            let changes = match (&older, &newer) {
                (Some(older), Some(newer)) => {
                    Some(Changes(policy::diff(Some(older), newer, tools)))
                }
                _ => None,
            };
            newer = older;
            Row {
                changes,
                published: published == Some(version.version),
                older: published.is_some_and(|published| version.version < published),
                version: version.clone(),
            }
        });
        Self {
            rows: rows.collect(),
            more: around.versions.len() > shown,
        }
    }
}
