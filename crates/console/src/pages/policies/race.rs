//! Two people at one policy: what the other did while this one was writing.

use domain::{PolicyId, Scope};
use store::policies::Version;

use super::{changes::Changes, diff::Compared};
use crate::{actions::subject::Subject, pages::PageError, state::Console};

/// What came in between.
pub(super) struct Race {
    /// The newest version. Where it is not a new one, someone only published or renamed.
    pub(super) theirs: Version,
    /// The version that this one's text began as.
    pub(super) base: Option<i32>,
    /// What they changed, by rule; none where that cannot be said.
    pub(super) changes: Option<Changes>,
    /// The same by line.
    pub(super) compared: Compared,
}

impl Race {
    pub(super) async fn find(
        console: &Console,
        scope: &Scope,
        id: PolicyId,
        base: Option<i32>,
    ) -> Result<Self, PageError> {
        let policy = store::policies::get(&console.db, scope, id).await?;
        let newest = policy.latest_version;
        let theirs = store::policies::version(&console.db, scope, id, newest).await?;
        let base = base.filter(|base| (1..=newest).contains(base));
        let mut race = Self {
            base,
            changes: None,
            compared: Compared::default(),
            theirs,
        };
        let Some(base) = base.filter(|base| *base != newest) else {
            return Ok(race);
        };
        let began = store::policies::version(&console.db, scope, id, base).await?;
        let tools = crate::actions::policies::inventory(console, scope, policy.server).await?;
        let subject = Subject {
            document: race.theirs.document.as_str().into(),
            tools: tools.map(Into::into),
        };
        let work = move || {
            let changes = Changes::between(Some(&began.document), &subject);
            (
                changes,
                Compared::between(&began.document, &subject.document),
            )
        };
        (race.changes, race.compared) = console.desk.work(work).await?;
        Ok(race)
    }

    /// Whether there is a version that this one has not seen.
    pub(super) fn is_new(&self) -> bool {
        self.base.is_none_or(|base| base != self.theirs.version)
    }
}
