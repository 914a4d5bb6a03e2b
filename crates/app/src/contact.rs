//! `tollgate contact`: what people wrote in the contact form.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use store::contact::{Message, Which};
use time::format_description::well_known::Rfc3339;

use crate::{
    cli::DatabaseArgs,
    commands::{block_on, connect, database},
    output::{Format, say, say_json},
};

#[derive(Debug, Subcommand)]
pub(crate) enum ContactCommand {
    /// Prints messages, the oldest first.
    List(ListArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those that no letter was sent of.
    #[arg(long)]
    unmailed: bool,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// How to print them.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(crate) fn run(command: &ContactCommand) -> Result<ExitCode> {
    let ContactCommand::List(args) = command;
    let which = if args.unmailed {
        Which::Unmailed
    } else {
        Which::All
    };
    block_on(async {
        let (db, _) = connect(&args.database).await?;
        let messages = store::contact::list(&db, which, args.limit)
            .await
            .map_err(database)?;
        match args.output {
            Format::Json => {
                let messages: Vec<_> = messages.iter().map(as_json).collect();
                say_json(&json!({ "messages": messages }));
            }
            Format::Text if messages.is_empty() => say("no messages"),
            Format::Text => {
                let messages: Vec<_> = messages.iter().map(as_text).collect();
                say(&messages.join("\n"));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn moment(at: time::OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn as_json(message: &Message) -> Value {
    json!({
        "id": message.id.to_string(),
        "at": moment(message.at),
        "name": message.name,
        "email": message.email,
        "organisation": message.organisation,
        "message": message.message,
        "mailed_at": message.mailed_at.map(moment),
        "refusals": message.refusals,
        "refusal": message.refusal,
        "refused_at": message.refused_at.map(moment),
    })
}

/// What became of the letter, unless it was taken.
fn state(message: &Message) -> String {
    let said = message.refusal.as_deref().unwrap_or("it gave no reason");
    let times = message.refusals;
    match (message.mailed_at, message.refused_at) {
        (Some(_), _) => String::new(),
        (None, Some(_)) => {
            format!(" (not mailed, and not tried again: refused {times} times; {said})")
        }
        (None, None) if times > 0 => format!(" (not mailed yet: refused; {said})"),
        (None, None) => " (not mailed)".to_owned(),
    }
}

/// What a terminal would obey or hide is shown as a replacement character: strangers wrote it.
fn as_text(message: &Message) -> String {
    let organisation = message.organisation.as_ref();
    let text = format!(
        "{} {} <{}>{}{}\n\n  {}\n",
        moment(message.at),
        message.name,
        message.email,
        organisation.map_or_else(String::new, |of| format!(", {of}")),
        state(message),
        message.message.replace('\n', "\n  ").trim_end(),
    );
    let hidden = |c: char| (c.is_control() && c != '\n') || domain::names::is_invisible(c);
    text.chars()
        .map(|c| if hidden(c) { '\u{FFFD}' } else { c })
        .collect()
}
