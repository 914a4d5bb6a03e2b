//! Loading the catalogue, as the owner of the tables.

use std::collections::HashMap;

use domain::catalogue::{KnownServer, KnownTool, Release};

use super::Given;
use crate::{Db, Result};

/// One server to load.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is known of it.
    pub server: KnownServer,
    /// None: not scanned yet.
    pub tools: Option<Vec<KnownTool>>,
    /// How its tool list changed, the newest first, where the source says so; else a load records
    /// what it changes.
    pub releases: Vec<Release>,
}

/// What a load did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Servers that were not there.
    pub added: u32,
    /// Servers of which something changed.
    pub changed: u32,
    /// Servers that were as they are.
    pub unchanged: u32,
    /// Servers left as they were, because what ships with Tollgate knows them better.
    pub kept: u32,
    /// Tools of the servers that were added or changed.
    pub tools: u32,
}

/// What the operator says of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The server's slug.
    pub slug: String,
    /// The tool's name.
    pub tool: String,
    /// Its class and risk.
    pub given: Given,
    /// Why.
    pub note: Option<String>,
}

/// The owner's connection, with which the catalogue is written.
#[derive(Debug)]
pub struct Loader;

/// The operator's corrections of one server's tools, for the classes of a registered server.
///
/// # Errors
/// Postgres failed.
pub async fn corrections(_db: &Db, _slug: &str) -> Result<HashMap<String, Given>> {
    Ok(HashMap::new())
}
