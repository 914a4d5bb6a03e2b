//! `tollgate scan`: what an MCP server offers, by risk, and a policy to begin with.
//!
//! A URL is asked through `upstream`, a local command by its standard streams. Everything that the
//! server says is untrusted, and so is the command.

mod advice;
mod args;
mod child;
mod entry;
mod http;
mod process;
mod report;
mod show;

use std::{
    io::{IsTerminal, Write, stderr},
    process::ExitCode,
};

use anyhow::{Context, Result};
use upstream::{DiscoverError, Found};

pub(crate) use self::args::ScanArgs;
use self::{args::Target, report::Report};
use crate::{
    commands::block_on,
    exit::{NotReachable, REFUSED},
    output::{Format, complain, escaped, say, say_json_of},
    policy::{Paint, count, visible},
};

/// So many names stand in the sentence of a run that fails.
const NAMED_MAX: usize = 20;

/// Does what was asked.
pub(crate) fn run(args: &ScanArgs) -> Result<ExitCode> {
    let target = Target::read(args)?;
    let slug = args.slug()?;
    let found = block_on(ask(&target))?;
    let report = Report::new(slug, &found)?;
    if let Some(path) = &args.policy {
        std::fs::write(path, report.policy_text())
            .with_context(|| format!("cannot write {}", visible(&path.to_string_lossy())))?;
    }
    if args.entry {
        say(&escaped(&entry::line(&target, slug, &found)));
    } else {
        match args.output {
            Format::Text => say(&show::text(&report, Paint::new(), args.policy.as_deref())),
            Format::Json => say_json_of(&report)?,
        }
    }
    Ok(judge(args, &report))
}

async fn ask(target: &Target) -> Result<Found> {
    let progress = Progress::begin(&target.name());
    let found = match target {
        Target::Url { url, headers } => http::ask(url, headers).await,
        Target::Command { words, env, limit } => child::ask(words, env, *limit).await,
    };
    drop(progress);
    found
}

/// What ends a run in CI: tools above the risk that is accepted, and such as instruct the model, for
/// which no risk is accepted: what they do is not what they say.
fn judge(args: &ScanArgs, report: &Report) -> ExitCode {
    let Some(ceiling) = args.fail_above else {
        return ExitCode::SUCCESS;
    };
    let (above, instructing) = (report.above(ceiling.risk()), report.instructing());
    let verb = if above.len() == 1 { "is" } else { "are" };
    refuse(&above, &format!("{verb} above {}", ceiling.risk()));
    let verb = if instructing.len() == 1 {
        "has"
    } else {
        "have"
    };
    refuse(
        &instructing,
        &format!("{verb} a text that is hidden or meant for the model"),
    );
    match above.is_empty() && instructing.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(REFUSED),
    }
}

/// Says of tools why they end the run.
fn refuse(tools: &[&str], why: &str) {
    if tools.is_empty() {
        return;
    }
    let mut names: Vec<_> = tools
        .iter()
        .take(NAMED_MAX)
        .map(|name| visible(name))
        .collect();
    if let Some(more) = tools.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        names.push(format!("{more} more").into());
    }
    let tools = count(tools.len(), "tool");
    complain(&format!("{tools} {why}: {}", names.join(", ")));
}

/// The sentence and the exit code for a scan that found nothing out.
fn failed(name: &str, error: &DiscoverError, more: &str) -> anyhow::Error {
    let said = visible(&error.to_string()).into_owned();
    let said = format!("{}: {said}{more}", visible(name));
    match error {
        DiscoverError::Upstream(_) => NotReachable(said).into(),
        DiscoverError::Credential(_)
        | DiscoverError::OldTransport
        | DiscoverError::NotMcp { .. } => anyhow::Error::msg(said),
    }
}

/// A line on the terminal while someone waits, and nothing anywhere else.
struct Progress(bool);

impl Progress {
    fn begin(name: &str) -> Self {
        let mut to = stderr().lock();
        let shown = to.is_terminal();
        if shown {
            let _ = write!(to, "asking {} for its tools…", visible(name));
        }
        Self(shown)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.0 {
            let _ = write!(stderr().lock(), "\r\x1b[2K");
        }
    }
}
