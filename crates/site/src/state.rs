//! What every public page shares.

use std::{ops::Deref, sync::Arc};

use crate::desk::Desk;

/// How many documents of visitors are judged at once. Each is small ([`crate::demo`]).
const AT_ONCE: usize = 2;
/// How many more may wait for their turn.
const WAITING: usize = 64;

/// What the site is given at its start.
pub struct Needs {
    /// Postgres, in the console's role.
    pub db: store::Db,
    /// What it is configured with.
    pub settings: Settings,
}

/// What the site is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://host[:port]`, without a slash at its end: canonical links begin with it.
    pub public_url: String,
    /// Whether anyone may sign up.
    pub sign_up_open: bool,
    /// The version of this build.
    pub version: &'static str,
}

/// A cheap handle on [`Needs`].
#[derive(Clone)]
pub(crate) struct Site(Arc<(Needs, Desk)>);

impl Site {
    pub(crate) fn new(needs: Needs) -> Self {
        Self(Arc::new((needs, Desk::new(AT_ONCE, WAITING))))
    }
}

impl Site {
    /// Where what visitors type is judged.
    pub(crate) fn desk(&self) -> &Desk {
        &self.0.1
    }
}

impl Deref for Site {
    type Target = Needs;

    fn deref(&self) -> &Needs {
        &self.0.0
    }
}
