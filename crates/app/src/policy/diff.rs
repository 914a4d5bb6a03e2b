//! `tollgate policy diff`.

use std::{fmt::Write as _, process::ExitCode};

use anyhow::{Context, Result, anyhow};
use policy::{Change, ChangeKind, Effect, Policy};
use serde::Serialize;

use super::{
    args::DiffArgs,
    check,
    client::Client,
    inventory,
    remote::{self, Info, Target},
    show::{Paint, Tone, count, visible},
    source::Source,
};
use crate::{
    commands::block_on,
    exit::REFUSED,
    output::{Format, say, say_json_of},
};

#[derive(Serialize)]
struct Printed<'a> {
    /// What it was compared with: a published version, or a file.
    #[serde(flatten)]
    with: With<'a>,
    changes: &'a [Change],
}

#[derive(Serialize)]
#[serde(untagged)]
enum With<'a> {
    Published {
        policy: String,
        published_version: Option<u32>,
    },
    File {
        with: &'a str,
    },
}

/// Compares a file with what is published, or with another file.
pub(super) fn diff(args: &DiffArgs) -> Result<ExitCode> {
    let source = Source::read(&args.file)?;
    let new = match source.policy() {
        Ok(policy) => policy,
        Err(report) => return check::invalid(&source, &report, args.output),
    };
    let given = inventory::read(&args.tools)?;
    if let Some(file) = &args.with {
        let older = Source::read(file)?;
        let old = match older.policy() {
            Ok(policy) => policy,
            Err(report) => return check::invalid(&older, &report, args.output),
        };
        let changes = policy::diff(Some(&old), &new, given.as_deref());
        return print(
            args,
            &changes,
            older.name(),
            With::File { with: older.name() },
        );
    }
    let target = Target::new(&args.target, None)?;
    let client = Client::new(&args.client)?;
    block_on(async {
        let info = target.get(&client).await?;
        let tools = match given {
            Some(tools) => Some(tools),
            None => remote::tools(&client, info.server_id).await?,
        };
        let old = published(&client, &info).await?;
        let changes = policy::diff(old.as_ref(), &new, tools.as_deref());
        let what = match info.published_version {
            Some(version) => format!("version {version} of {}", visible(info.name.as_str())),
            None => format!(
                "{}, of which no version is published",
                visible(info.name.as_str())
            ),
        };
        let with = With::Published {
            policy: info.id.to_string(),
            published_version: info.published_version,
        };
        print(args, &changes, &what, with)
    })
}

/// The policy as it decides now; none while no version is published.
///
/// # Errors
/// The stored version is none that this release understands.
pub(super) async fn published(client: &Client, info: &Info) -> Result<Option<Policy>> {
    match info.published_version {
        Some(number) => stored(client, info, number).await.map(Some),
        None => Ok(None),
    }
}

/// One stored version, understood.
pub(super) async fn stored(client: &Client, info: &Info, number: u32) -> Result<Policy> {
    let version = remote::version(client, info.id, number).await?;
    Policy::parse(version.document.get())
        .map_err(|faults| anyhow!("{}", faults.first().map_or("", |fault| &fault.detail)))
        .with_context(|| format!("version {number} is not one that this tollgate understands"))
}

fn print(args: &DiffArgs, changes: &[Change], what: &str, with: With<'_>) -> Result<ExitCode> {
    match args.output {
        Format::Json => say_json_of(&Printed { with, changes })?,
        Format::Text if changes.is_empty() => say(&format!("nothing differs from {what}")),
        Format::Text => {
            let mut out = String::new();
            told(&mut out, changes, Paint::new());
            let _ = writeln!(
                out,
                "{} from {what}: {}",
                count(changes.len(), "change"),
                sum(changes)
            );
            say(&out);
        }
    }
    let differs = args.exit_code && !changes.is_empty();
    Ok(if differs {
        ExitCode::from(REFUSED)
    } else {
        ExitCode::SUCCESS
    })
}

/// Each change in a line, and what was and is in two more.
pub(super) fn told(out: &mut String, changes: &[Change], paint: Paint) {
    for change in changes {
        let (word, tone) = effect(change.effect);
        let mark = match change.kind {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Changed => '~',
        };
        let word = paint.tone(tone, format!("{word:<8}"));
        let _ = writeln!(out, "{mark} {word}  {}", visible(&change.pointer));
        let _ = writeln!(out, "             {}", visible(&change.sentence));
        for (sign, tone, text) in [
            ('-', Tone::Bad, &change.before),
            ('+', Tone::Good, &change.after),
        ] {
            if let Some(text) = text {
                let line = format!("             {sign} {}", shortened(text));
                let _ = writeln!(out, "{}", paint.tone(tone, line));
            }
        }
    }
}

const fn effect(effect: Effect) -> (&'static str, Tone) {
    match effect {
        Effect::Loosens => ("loosens", Tone::Bad),
        Effect::Tightens => ("tightens", Tone::Good),
        Effect::Neutral => ("neutral", Tone::Quiet),
        Effect::Unclear => ("unclear", Tone::Odd),
    }
}

/// `2 loosen, 1 tightens`, in the order of what a reviewer should look at first.
pub(super) fn sum(changes: &[Change]) -> String {
    let of = |wanted| {
        changes
            .iter()
            .filter(|change| change.effect == wanted)
            .count()
    };
    let parts = [
        Effect::Loosens,
        Effect::Unclear,
        Effect::Tightens,
        Effect::Neutral,
    ]
    .into_iter()
    .filter_map(|wanted| match of(wanted) {
        0 => None,
        n => Some(format!("{n} {}", effect(wanted).0)),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// A rule's JSON in one line of a readable length.
fn shortened(json: &str) -> String {
    const CHARS_MAX: usize = 160;
    let line = json.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(CHARS_MAX).collect();
    let more = if cut.len() < line.len() { "…" } else { "" };
    format!("{}{more}", visible(&cut))
}
