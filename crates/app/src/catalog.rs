//! `tollgate catalog`: work on what is known of servers and tools.

mod classify;
mod correct;
mod export;
mod import;
mod lines;
mod seed;
mod sync;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use secrecy::{ExposeSecret, SecretString};
use store::catalogue::Loader;

pub(crate) use self::seed::refresh;
use crate::{
    cli::DatabaseArgs,
    commands::{database, sources},
    config::{Config, Purpose},
    data::Running,
};

#[derive(Debug, Subcommand)]
pub(crate) enum CatalogCommand {
    /// Reads tools from standard input, a JSON object a line as `tools/list` has them, and writes the
    /// class, risk and signals of each; asks nobody.
    Classify,
    /// Loads servers and their tools from files, a JSON object a line (see docs/catalogue.md).
    Import(import::ImportArgs),
    /// Writes the stored servers and their tools in the same format.
    Export(export::ExportArgs),
    /// Says what a tool's class and risk are, whatever the classifier finds.
    Correct(correct::CorrectArgs),
    /// Reads the servers of a registry that speaks the official registry's API.
    Sync(sync::SyncArgs),
}

/// Does what was asked.
pub(crate) fn run(command: &CatalogCommand) -> Result<ExitCode> {
    match command {
        CatalogCommand::Classify => classify::run(),
        CatalogCommand::Import(args) => import::run(args),
        CatalogCommand::Export(args) => export::run(args),
        CatalogCommand::Correct(args) => correct::run(args),
        CatalogCommand::Sync(args) => sync::run(args),
    }
}

/// Connects as the owner of the tables: nobody else may write the catalogue.
async fn loader(args: &DatabaseArgs) -> Result<Loader> {
    let url = match &args.data {
        Some(data) => SecretString::from(Running::find(data)?.database_url),
        None => {
            let config = Config::read(&sources(&args.config)?, Purpose::Migrate)?;
            let owner = config.migrate_database_url.or(config.database_url);
            owner.ok_or_else(|| anyhow::anyhow!("no database is configured"))?
        }
    };
    Loader::connect(url.expose_secret()).await.map_err(database)
}
