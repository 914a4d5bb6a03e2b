//! The loop that keeps the gateway's routes as Postgres has them: told of changes, and comparing
//! all versions twice a second in case something was not heard.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::Result;
use domain::{OrgId, ServerId};
use gateway::Gateway;
use store::{Db, StoreError, routes::Change};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tracing::{error, warn};
use vault::MasterKey;

use super::{
    Stop,
    changes::{Heard, Hearer, pass_on},
    keys,
    outage::Outage,
};

/// How often all versions are compared. A change that was not heard is in force after this long.
const COMPARE_EVERY: Duration = Duration::from_millis(500);

/// Between Postgres and the gateway.
pub(super) struct Routes {
    db: Db,
    gateway: Arc<Gateway>,
    master: MasterKey,
    /// What the gateway has, by organisation.
    known: HashMap<OrgId, i64>,
}

impl Routes {
    pub(super) fn new(db: Db, gateway: Arc<Gateway>, master: MasterKey) -> Self {
        Self {
            db,
            gateway,
            master,
            known: HashMap::new(),
        }
    }

    /// Reads everything for the first time.
    pub(super) async fn load(&mut self) -> Result<()> {
        self.keys().await?;
        self.compare().await?;
        Ok(())
    }

    /// Keeps the gateway current until the end. On errors it goes on with what it has; how old that
    /// is, the gateway knows.
    pub(super) async fn run(
        mut self,
        mut hearer: Hearer,
        refresh: mpsc::Sender<ServerId>,
        mut stopped: Stop,
    ) {
        let mut outage = Outage::new("reading the configuration");
        let mut keys_outage = Outage::new("reading the keys");
        let mut keys_are_old = false;
        let mut ticks = interval(COMPARE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                heard = hearer.next() => match heard {
                    Heard::Change(Change::Config(org, version)) => self.heard(org, version).await,
                    Heard::Change(Change::Keys) => {
                        keys_are_old = true;
                        Ok(())
                    }
                    Heard::Change(Change::Refresh(_)) => {
                        pass_on(heard, &refresh);
                        Ok(())
                    }
                    Heard::Began => {
                        keys_are_old = true;
                        self.compare().await
                    }
                },
                _ = ticks.tick() => self.compare().await,
                () = stopped.asked() => return,
            };
            match done {
                Ok(()) => outage.over(),
                Err(error) => _ = outage.failed(&error),
            }
            if keys_are_old {
                match self.keys().await {
                    Ok(()) => {
                        keys_are_old = false;
                        keys_outage.over();
                    }
                    Err(error) => _ = keys_outage.failed(&*error),
                }
            }
        }
    }

    async fn keys(&self) -> Result<()> {
        let verifier = keys::verifier(&self.db).await?;
        let keyring = keys::keyring(&self.db, &self.master).await?;
        self.gateway.set_keys(verifier, Arc::new(keyring));
        Ok(())
    }

    /// Reads an organisation again, unless it is known already.
    async fn heard(&mut self, org: OrgId, version: i64) -> Result<(), StoreError> {
        if self.known.get(&org).is_some_and(|known| *known >= version) {
            return Ok(());
        }
        self.read(org, version).await
    }

    /// Compares all versions and reads what differs. Only when all is current it says so.
    async fn compare(&mut self) -> Result<(), StoreError> {
        let versions = store::routes::versions(&self.db).await?;
        let mut there = HashMap::with_capacity(versions.len());
        for (org, version) in versions {
            there.insert(org, version);
            self.heard(org, version).await?;
        }
        let gone: Vec<OrgId> = self
            .known
            .keys()
            .filter(|org| !there.contains_key(org))
            .copied()
            .collect();
        for org in gone {
            self.forget(org);
        }
        self.gateway.confirm_current();
        Ok(())
    }

    async fn read(&mut self, org: OrgId, version: i64) -> Result<(), StoreError> {
        match store::routes::snapshot(&self.db, org).await {
            Ok(Some(snapshot)) => {
                self.known.insert(org, snapshot.version);
                self.gateway.apply(snapshot);
            }
            Ok(None) => self.forget(org),
            // One organisation's bad row must not hold the others up, and must not leave its own
            // old grants in force either.
            Err(error @ StoreError::Corrupt { .. }) => {
                error!(
                    org.id = %org,
                    error = &error as &dyn std::error::Error,
                    "an organisation cannot be read: its calls are refused until it changes"
                );
                self.gateway.forget(org);
                self.known.insert(org, version);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn forget(&mut self, org: OrgId) {
        if self.known.remove(&org).is_some() {
            warn!(org.id = %org, "an organisation is gone");
        }
        self.gateway.forget(org);
    }
}
