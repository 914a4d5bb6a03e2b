//! What the catalogue has before anybody loads anything, kept up with this release.

use std::hash::{DefaultHasher, Hash, Hasher};

use ::catalog::{Shipped, rules_fingerprint};
use anyhow::{Context as _, Result};
use domain::catalogue::Origin;
use store::catalogue::{Entry, Loader, Stamp};

use crate::commands::database;

/// Servers that are classified anew at once.
const CHUNK: u16 = 500;

/// Loads the servers that ship with this release, and classifies the others anew where its rules
/// are not those of the release before. Done in a moment where nothing changed.
///
/// # Errors
/// Postgres failed.
pub(crate) async fn refresh(url: &str) -> Result<()> {
    let mut loader = Loader::connect(url).await.map_err(database)?;
    let refreshed = refresh_on(&mut loader).await;
    // Where the connection is gone, that is what failed.
    let _ = loader.close().await;
    refreshed.context("cannot load the catalogue that ships with this release")
}

async fn refresh_on(loader: &mut Loader) -> Result<()> {
    let stored = loader.stamp().await.map_err(database)?;
    let now = Stamp {
        shipped: shipped_fingerprint(),
        rules: rules_fingerprint(),
    };
    if stored == Some(now) {
        return Ok(());
    }
    if stored.is_some_and(|stored| stored.rules != now.rules) {
        classify_anew(loader).await?;
    }
    let shipped: Vec<Entry> = ::catalog::shipped().iter().map(entry).collect();
    loader.load(&shipped).await.map_err(database)?;
    loader.set_stamp(now).await.map_err(database)
}

fn entry(shipped: &Shipped) -> Entry {
    Entry {
        server: shipped.server.clone(),
        tools: Some(shipped.tools.clone()),
        releases: shipped.releases.clone(),
    }
}

async fn classify_anew(loader: &mut Loader) -> Result<()> {
    let mut after = String::new();
    let mut all = Vec::new();
    loop {
        let mut some = loader.entries(&after, CHUNK).await.map_err(database)?;
        let Some(last) = some.last() else { break };
        after.clone_from(&last.server.slug);
        some.retain(|entry| entry.server.origin != Origin::Shipped && entry.tools.is_some());
        for entry in &mut some {
            entry.tools.iter_mut().flatten().for_each(::catalog::judge);
            // They are there already, and what is judged is no change of the server's.
            entry.releases.clear();
        }
        all.append(&mut some);
    }
    loader.load(&all).await.map_err(database)?;
    Ok(())
}

/// What differs from release to release of Tollgate where the shipped servers do.
fn shipped_fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    for one in ::catalog::shipped() {
        let text = serde_json::json!([one.server, one.tools, one.releases]);
        text.to_string().hash(&mut hasher);
    }
    hasher.finish()
}
