//! `tollgate catalog correct`: what the operator says of a tool.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use domain::tools::{Risk, ToolClass};
use store::{
    StoreError,
    catalogue::{Correction, Given},
};

use super::loader;
use crate::{
    cli::DatabaseArgs,
    commands::{block_on, database},
    output::{escaped, say},
};

#[derive(Debug, Args)]
pub(crate) struct CorrectArgs {
    /// The server's slug.
    #[arg(value_name = "SERVER")]
    slug: String,
    /// The tool's name.
    tool: String,
    /// What the tool does at worst.
    #[arg(long, required_unless_present = "clear", conflicts_with = "clear")]
    class: Option<ToolClass>,
    /// How much harm that is [default: as the class has it].
    #[arg(long, value_enum, conflicts_with = "clear")]
    risk: Option<Level>,
    /// Why, in at most 500 characters; it is shown beside the class.
    #[arg(long, conflicts_with = "clear", value_parser = note)]
    note: Option<String>,
    /// Goes back to what the classifier finds.
    #[arg(long)]
    clear: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    const fn risk(self) -> Risk {
        match self {
            Self::Low => Risk::Low,
            Self::Medium => Risk::Medium,
            Self::High => Risk::High,
            Self::Critical => Risk::Critical,
        }
    }
}

/// The longest note.
const NOTE_CHARS_MAX: usize = 500;

fn note(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("is empty".to_owned()),
        length if length > NOTE_CHARS_MAX => Err("is longer than 500 characters".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

pub(super) fn run(args: &CorrectArgs) -> Result<ExitCode> {
    block_on(async {
        let mut loader = loader(&args.database).await?;
        let (slug, tool) = (&args.slug, &args.tool);
        let (done, said) = match args.class {
            Some(class) => {
                let risk = args.risk.map_or(class.risk(), Level::risk);
                let correction = Correction {
                    slug: slug.clone(),
                    tool: tool.clone(),
                    given: Given {
                        class,
                        risk,
                        note: args.note.clone(),
                    },
                };
                let said = format!("{slug} {tool}: {class}, {risk} risk");
                (loader.correct(&correction).await, said)
            }
            None => {
                let said = format!("{slug} {tool}: as the classifier finds");
                (loader.clear(slug, tool).await, said)
            }
        };
        match done {
            Err(StoreError::NotFound) if args.clear => {
                bail!("{}", escaped(&format!("{slug} {tool} was not corrected")))
            }
            Err(StoreError::NotFound) => {
                bail!(
                    "{}",
                    escaped(&format!("the catalogue has no tool {tool} of {slug}"))
                )
            }
            done => done.map_err(database)?,
        }
        loader.close().await.map_err(database)?;
        say(&escaped(&said));
        Ok(ExitCode::SUCCESS)
    })
}
