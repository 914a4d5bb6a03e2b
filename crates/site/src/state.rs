//! What every public page shares.

use std::{ops::Deref, sync::Arc};

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
pub(crate) struct Site(Arc<Needs>);

impl Site {
    pub(crate) fn new(needs: Needs) -> Self {
        Self(Arc::new(needs))
    }
}

impl Deref for Site {
    type Target = Needs;

    fn deref(&self) -> &Needs {
        &self.0
    }
}
