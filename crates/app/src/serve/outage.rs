//! An outage is logged when it begins and when it is over, not each time something fails in it.

use std::time::Instant;

use tracing::{error, info};

/// What is being tried, and since when it has failed.
#[derive(Debug)]
pub(super) struct Outage {
    what: &'static str,
    since: Option<Instant>,
}

impl Outage {
    pub(super) const fn new(what: &'static str) -> Self {
        Self { what, since: None }
    }

    /// True the first time.
    pub(super) fn failed(&mut self, error: &(dyn std::error::Error + 'static)) -> bool {
        if self.since.is_some() {
            return false;
        }
        self.since = Some(Instant::now());
        error!(error, "{} fails; trying until it works", self.what);
        true
    }

    pub(super) fn over(&mut self) {
        if let Some(since) = self.since.take() {
            info!(
                seconds = since.elapsed().as_secs(),
                "{} works again", self.what
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once() {
        let mut outage = Outage::new("reading");
        let error = std::io::Error::other("no");
        assert!(outage.failed(&error));
        assert!(!outage.failed(&error));
        outage.over();
        assert!(outage.failed(&error));
    }
}
