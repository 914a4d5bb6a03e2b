//! What every page, every API handler and every action shares.

use std::{net::IpAddr, ops::Deref, sync::Arc, time::Duration};

use domain::OrgId;
use tokio::sync::Semaphore;

use crate::{
    actions::scan,
    catalogue::check,
    desk::Desk,
    mail::Mailer,
    pages::Post,
    passwords::Passwords,
    settings::{Mail, Settings, SignUp},
    throttle::Throttle,
};

/// How often one address may read the catalogue without a key, in a minute.
pub const READS_A_MINUTE: u32 = 600;

/// How often one address may ask for a decision, in a minute: the page asks at most four times a
/// second while someone types.
pub const DECISIONS_A_MINUTE: u32 = 240;

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
pub(crate) struct Console(Arc<Shared>);

/// What [`Needs`] becomes.
pub(crate) struct Shared {
    pub(crate) db: store::Db,
    pub(crate) keyring: Arc<vault::Keyring>,
    pub(crate) signer: Arc<vault::Signer>,
    pub(crate) installation: uuid::Uuid,
    pub(crate) dialler: upstream::Dialler,
    pub(crate) mailer: Mailer,
    pub(crate) passwords: Passwords,
    pub(crate) desk: Desk,
    /// Readers of the catalogue, by address.
    pub(crate) readers: Throttle<IpAddr>,
    /// Decisions that the first page is asked for, by address.
    pub(crate) decisions: Throttle<IpAddr>,
    /// Looks at servers that are not registered, by organisation, and the places for them.
    pub(crate) looks: Throttle<OrgId>,
    pub(crate) looking: Arc<Semaphore>,
    /// Places for checks of configurations, which ask Postgres about many servers.
    pub(crate) checking: Semaphore,
    pub(crate) post: Post,
    pub(crate) settings: Settings,
}

impl Console {
    pub(crate) fn new(needs: Needs) -> Self {
        Self(Arc::new(Shared {
            db: needs.db,
            keyring: needs.keyring,
            signer: needs.signer,
            installation: needs.installation,
            dialler: needs.dialler,
            mailer: Mailer::new(needs.mail),
            passwords: Passwords::new(),
            desk: Desk::new(),
            looks: Throttle::new(scan::LOOKS_A_MINUTE, Duration::from_mins(1)),
            looking: Arc::new(Semaphore::new(scan::AT_ONCE)),
            checking: Semaphore::new(check::AT_ONCE),
            readers: Throttle::new(READS_A_MINUTE, Duration::from_mins(1)),
            decisions: Throttle::new(DECISIONS_A_MINUTE, Duration::from_mins(1)),
            post: Post::default(),
            settings: needs.settings,
        }))
    }
}

impl Console {
    /// What surrounds a page for people who are not in an organisation; search engines pass it by.
    pub(crate) fn frame(&self) -> site::Frame {
        site::Frame::unlisted(self.settings.sign_up == SignUp::Open)
    }
}

impl Deref for Console {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
