//! The installation's keys: made at the first start, opened with the master keys at every one.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use store::{Db, keys::SealedKey};
use uuid::Uuid;
use vault::{Keyring, MasterKey, Signer, Verifier};

use super::Databases;

/// What is opened at the start.
pub(super) struct Keys {
    pub(super) installation: Uuid,
    pub(super) keyring: Arc<Keyring>,
    /// The console's alone.
    pub(super) signer: Option<Arc<Signer>>,
}

/// Opens the keys, and makes the first ones where the console's role may.
pub(super) async fn open(
    databases: &Databases,
    master: &MasterKey,
    signing: Option<&MasterKey>,
) -> Result<Keys> {
    let mut signer = None;
    if let Some(db) = &databases.console {
        let signing = signing.context("a console has the key that seals signing keys")?;
        make_missing(db, master, signing).await?;
        let rows = store::keys::signing_keys(db).await?;
        let opened = Signer::open(signing, &pairs(rows)).context(
            "the grants' signing keys were sealed with another TOLLGATE_SIGNING_KEY than this one",
        )?;
        signer = Some(Arc::new(opened));
    }
    let db = databases.any();
    Ok(Keys {
        installation: store::keys::installation(db).await?,
        keyring: Arc::new(keyring(db, master).await?),
        signer,
    })
}

/// Where two processes start at once, both add and both read the winner's afterwards.
async fn make_missing(db: &Db, master: &MasterKey, signing: &MasterKey) -> Result<()> {
    if store::keys::data_keys(db).await?.is_empty() {
        let (kid, sealed) = Keyring::make_data_key(master);
        store::keys::add_data_key(db, &kid, &sealed).await?;
    }
    if store::keys::signing_keys(db).await?.is_empty() {
        let (kid, sealed, public) = Signer::make_key(signing);
        store::keys::add_signing_key(db, &kid, &sealed, public).await?;
    }
    Ok(())
}

/// The data keys as they are now.
pub(super) async fn keyring(db: &Db, master: &MasterKey) -> Result<Keyring> {
    let rows = store::keys::data_keys(db).await?;
    if rows.is_empty() {
        bail!("there is no data key yet: start a process with the console once");
    }
    Keyring::open(master, &pairs(rows))
        .context("the data keys were sealed with another TOLLGATE_MASTER_KEY than this one")
}

/// The public halves of the signing keys as they are now.
pub(super) async fn verifier(db: &Db) -> Result<Verifier> {
    let installation = store::keys::installation(db).await?;
    let verifier = Verifier::new(installation, &store::keys::verifying_keys(db).await?);
    for kid in verifier.refused() {
        tracing::error!(
            kid,
            "a signing key in the database is not one; its grants are refused"
        );
    }
    Ok(verifier)
}

fn pairs(rows: Vec<SealedKey>) -> Vec<(String, Vec<u8>)> {
    rows.into_iter().map(|row| (row.kid, row.sealed)).collect()
}
