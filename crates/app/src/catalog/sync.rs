//! `tollgate catalog sync`: servers from a registry that speaks the official registry's API.

mod mapping;
mod registry;
mod slug;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use store::catalogue::Entry;

use self::registry::{Fetched, Registry};
use super::loader;
use crate::{
    cli::DatabaseArgs,
    commands::{block_on, database},
    exit::NotReachable,
    output::{Format, complain, say, say_json_of},
    policy::visible,
};

/// How many faults are printed for people.
const FAULTS_SHOWN: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Where the registry is.
    #[arg(
        value_name = "URL",
        default_value = "https://registry.modelcontextprotocol.io"
    )]
    url: String,
    /// Only servers that changed since, as 2026-08-20T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// How to print the report.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Serialize)]
struct Report {
    /// False where the registry's list was not read to its end.
    complete: bool,
    /// Why not.
    broken: Option<String>,
    pages: usize,
    read: usize,
    added: u32,
    changed: u32,
    unchanged: u32,
    /// Better known from a file or from what ships with Tollgate.
    kept: u32,
    /// The registry says that they are gone.
    deleted: u32,
    deprecated: u32,
    /// By the name that the registry has for them.
    faults: BTreeMap<String, String>,
}

/// Loads what was read even where the list breaks off: doing it again does no harm.
pub(super) fn run(args: &SyncArgs) -> Result<ExitCode> {
    let registry = Registry::new(&args.url, args.since.as_deref())?;
    block_on(async {
        let fetched = registry.fetch().await;
        if fetched.pages == 0 {
            let why = fetched.broken.unwrap_or_default();
            return Err(NotReachable(visible(&why).into_owned()).into());
        }
        let report = load(args, fetched).await?;
        match args.output {
            Format::Json => say_json_of(&report)?,
            Format::Text => print(&report),
        }
        let whole = report.complete && report.faults.is_empty();
        Ok(ExitCode::from(u8::from(!whole)))
    })
}

async fn load(args: &SyncArgs, fetched: Fetched) -> Result<Report> {
    let mut report = Report {
        complete: fetched.broken.is_none(),
        broken: fetched.broken,
        pages: fetched.pages,
        read: fetched.servers.len() + fetched.deleted.len() + fetched.faults.len(),
        added: 0,
        changed: 0,
        unchanged: 0,
        kept: 0,
        deleted: 0,
        deprecated: fetched.deprecated,
        faults: fetched.faults,
    };
    let entries = fetched.servers.into_values().map(|server| Entry {
        server,
        tools: None,
        releases: Vec::new(),
    });
    let entries: Vec<Entry> = entries.collect();
    let mut loader = loader(&args.database).await?;
    let done = loader.load(&entries).await.map_err(database)?;
    report.deleted = loader.forget(&fetched.deleted).await.map_err(database)?;
    loader.close().await.map_err(database)?;
    report.added = done.added;
    report.changed = done.changed;
    report.unchanged = done.unchanged;
    report.kept = done.kept;
    Ok(report)
}

fn print(report: &Report) {
    for (name, fault) in report.faults.iter().take(FAULTS_SHOWN) {
        complain(&visible(&format!("{name}: {fault}")));
    }
    if report.faults.len() > FAULTS_SHOWN {
        complain(&format!(
            "{} more are bad",
            report.faults.len() - FAULTS_SHOWN
        ));
    }
    if let Some(why) = &report.broken {
        complain(&visible(&format!(
            "the list was not read to its end: {why}"
        )));
    }
    say(&format!(
        "read {} on {} pages: added {}, changed {}, unchanged {}, kept {}, deleted {}; {} \
         deprecated, {} bad",
        report.read,
        report.pages,
        report.added,
        report.changed,
        report.unchanged,
        report.kept,
        report.deleted,
        report.deprecated,
        report.faults.len()
    ));
}
