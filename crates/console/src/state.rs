//! What every page, every API handler and every action shares.

use std::{ops::Deref, sync::Arc};

use crate::settings::{Mail, Settings};

/// What the console is given at its start.
pub struct Needs {
    /// Postgres, in the console's role.
    pub db: store::Db,
    /// The data keys that seal upstream credentials.
    pub keyring: Arc<vault::Keyring>,
    /// The keys that sign grant tokens; only the console has them.
    pub signer: Arc<vault::Signer>,
    /// The installation's id: the `iss` of grant tokens.
    pub installation: uuid::Uuid,
    /// The way to upstream servers, for discovery.
    pub dialler: upstream::Dialler,
    /// Where mail goes.
    pub mail: Mail,
    /// What the console is configured with.
    pub settings: Settings,
}

/// The console's shared state: a cheap handle on what [`crate::router`] was given.
#[derive(Clone)]
pub(crate) struct Console(Arc<Needs>);

impl Console {
    pub(crate) fn new(needs: Needs) -> Self {
        Self(Arc::new(needs))
    }
}

impl Deref for Console {
    type Target = Needs;

    fn deref(&self) -> &Needs {
        &self.0
    }
}
