//! `tollgate catalog export`: the stored servers, in the format that import reads.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use domain::catalogue::Origin;

use super::loader;
use crate::{
    cli::DatabaseArgs,
    commands::{block_on, database},
};

/// Servers that are read at once.
const CHUNK: u16 = 200;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Only servers that came from there.
    #[arg(long, value_enum)]
    origin: Option<From>,
    /// Only servers whose tools are known.
    #[arg(long)]
    scanned: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Where servers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// With Tollgate.
    Shipped,
    /// From a file.
    Imported,
    /// From a registry.
    Registry,
}

impl From {
    const fn origin(self) -> Origin {
        match self {
            Self::Shipped => Origin::Shipped,
            Self::Imported => Origin::Imported,
            Self::Registry => Origin::Registry,
        }
    }
}

pub(super) fn run(args: &ExportArgs) -> Result<ExitCode> {
    block_on(async {
        let mut loader = loader(&args.database).await?;
        let mut after = String::new();
        loop {
            let some = loader.entries(&after, CHUNK).await.map_err(database)?;
            let Some(last) = some.last() else { break };
            after.clone_from(&last.server.slug);
            let mut text = String::new();
            for entry in &some {
                let origin = args.origin.map(From::origin);
                let wanted = origin.is_none_or(|origin| origin == entry.server.origin)
                    && (!args.scanned || entry.tools.is_some());
                if wanted {
                    text += &::catalog::write_entry(&entry.server, entry.tools.as_deref());
                    text.push('\n');
                }
            }
            match io::stdout().lock().write_all(text.as_bytes()) {
                // Whoever read went away.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                written => written.context("standard output")?,
            }
        }
        loader.close().await.map_err(database)?;
        Ok(ExitCode::SUCCESS)
    })
}
