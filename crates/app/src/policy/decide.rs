//! `tollgate policy decide`.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs::File,
    io::{BufRead, BufReader, BufWriter, Read, Write, stdin, stdout},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, Result};
use domain::audit::{Charge, Outcome};
use policy::{Counters, Decision, Engine, Explanation, Step, StepResult};
use serde::Serialize;
use time::OffsetDateTime;

use super::{
    args::DecideArgs,
    call::{self, Asked, Grant, Line},
    check, inventory,
    show::{Paint, Tone, visible},
    source::{self, Source},
};
use crate::{
    exit::{REFUSED, Usage},
    output::{Format, json_of, say},
};

/// The longest line of a file of calls: arguments of 4 MiB and what is around them.
const LINE_BYTES_MAX: u64 = 5 << 20;

/// A decision as it is printed, with its steps where they are asked for.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<&'a [Step]>,
}

pub(super) fn decide(args: &DecideArgs) -> Result<ExitCode> {
    let inventory = inventory::read(&args.tools)?;
    let source = Source::read(&args.file)?;
    let policy = match source.policy() {
        Ok(policy) => policy,
        Err(report) => return check::invalid(&source, &report, args.output),
    };
    let engine = Engine::compile(&policy, inventory.as_deref());
    let from = match &args.at {
        Some(text) => {
            call::instant(text).map_err(|why| Usage(format!("--at: {}", visible(&why))))?
        }
        None => now(),
    };
    let allowed = match (&args.calls, &args.tool) {
        (Some(calls), _) => {
            if calls == OsStr::new("-") && args.file == OsStr::new("-") {
                return Err(
                    Usage("the policy and the calls cannot both be standard input".into()).into(),
                );
            }
            many(&engine, calls, from, args)?
        }
        (None, Some(tool)) => one(&engine, tool, from, args)?,
        (None, None) => {
            return Err(Usage("say which --tool is called, or give --calls".into()).into());
        }
    };
    Ok(if allowed {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

fn one(engine: &Engine, tool: &str, now_unix_ms: u64, args: &DecideArgs) -> Result<bool> {
    let grant = args.grant.as_deref().map(call::grant).transpose();
    let asked = Asked {
        tool: tool.to_owned(),
        arguments: args.args.clone(),
        grant: grant
            .map_err(|why| Usage(format!("--grant: {}", visible(&why))))?
            .unwrap_or_default(),
        now_unix_ms,
    };
    let explanation = asked
        .decide(engine, &mut Counters::new(), args.explain)
        .map_err(|why| Usage(format!("--args: {}", visible(&why))))?;
    let decision = &explanation.decision;
    match args.output {
        Format::Json => say(&json_of(&printed(&explanation, args.explain), true)?),
        Format::Text => say(&told(&explanation, Paint::new())),
    }
    Ok(decision.outcome == Outcome::Allow)
}

fn printed(explanation: &Explanation, explain: bool) -> Printed<'_> {
    Printed {
        decision: &explanation.decision,
        steps: explain.then_some(&explanation.steps),
    }
}

/// Decides line after line. A line that cannot be understood ends it: what comes after would meet
/// counters that it should have charged.
fn many(engine: &Engine, path: &Path, from: u64, args: &DecideArgs) -> Result<bool> {
    let name = source::name(path);
    let unreadable = |error| Usage(format!("cannot read {name}: {error}"));
    let file: Box<dyn Read> = if path == OsStr::new("-") {
        Box::new(stdin())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    let mut lines = BufReader::new(file);
    let mut out = BufWriter::new(stdout().lock());
    let (paint, mut counters) = (Paint::new(), Counters::new());
    let (mut all_allowed, mut now_unix_ms) = (true, from);
    for number in 1.. {
        let mut line = Vec::new();
        let read = lines
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line);
        if read.map_err(unreadable)? == 0 {
            break;
        }
        let wrong = |why: String| Usage(format!("{name}:{number}: {}", visible(&why)));
        if line.len() as u64 == LINE_BYTES_MAX {
            return Err(wrong(format!("the line is longer than {LINE_BYTES_MAX} bytes")).into());
        }
        let text = std::str::from_utf8(&line).map_err(|_| wrong("is not UTF-8".to_owned()))?;
        if text.trim().is_empty() {
            continue;
        }
        let asked = read_line(text, &mut now_unix_ms).map_err(wrong)?;
        let explanation = asked
            .decide(engine, &mut counters, args.explain)
            .map_err(wrong)?;
        let decision = &explanation.decision;
        all_allowed &= decision.outcome == Outcome::Allow;
        let text = match args.output {
            Format::Json => json_of(&printed(&explanation, args.explain), false)?,
            Format::Text if args.explain => told(&explanation, paint),
            Format::Text => in_a_line(&asked.tool, decision, paint),
        };
        if writeln!(out, "{}", text.trim_end()).is_err() {
            // Whoever read it has gone away.
            return Ok(all_allowed);
        }
    }
    out.flush().context("standard output")?;
    Ok(all_allowed)
}

/// A line without a time is made at the time of the line before.
fn read_line(text: &str, now_unix_ms: &mut u64) -> Result<Asked, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Some(at) = &line.at {
        *now_unix_ms = call::instant(at)?;
    }
    let grant = line.grant.as_deref().map(|grant| call::grant(grant.get()));
    let arguments = line.args.map(|args| Box::<str>::from(args).into_string());
    Ok(Asked {
        tool: line.tool,
        arguments,
        grant: grant.transpose()?.unwrap_or_else(Grant::default),
        now_unix_ms: *now_unix_ms,
    })
}

fn now() -> u64 {
    let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    u64::try_from(now).unwrap_or_default()
}

fn outcome(outcome: Outcome, paint: Paint) -> String {
    let tone = match outcome {
        Outcome::Allow => Tone::Good,
        Outcome::Deny => Tone::Bad,
        Outcome::Approval => Tone::Odd,
    };
    paint.tone(tone, format!("{:<8}", outcome.as_str()))
}

/// `deny      rate_limited  rerun_workflow  /tools/rerun_workflow/limits/reruns`.
fn in_a_line(tool: &str, decision: &Decision, paint: Paint) -> String {
    let mut out = format!(
        "{}  {:<18}  {}",
        outcome(decision.outcome, paint),
        decision.code.as_str(),
        visible(tool)
    );
    if let Some(rule) = &decision.rule {
        let _ = write!(out, "  {}", visible(rule));
    }
    out
}

/// A decision with everything about it.
fn told(explanation: &Explanation, paint: Paint) -> String {
    let decision = &explanation.decision;
    let mut out = String::new();
    for step in &explanation.steps {
        steps(&mut out, step, paint);
    }
    let _ = write!(
        out,
        "{}  {}",
        outcome(decision.outcome, paint),
        decision.code
    );
    if let Some(rule) = &decision.rule {
        let _ = write!(out, "  {}", visible(rule));
    }
    out.push('\n');
    if !decision.message.is_empty() {
        let _ = writeln!(out, "  says     {}", visible(&decision.message));
    }
    if let Some(ms) = decision.retry_after_ms {
        let _ = writeln!(out, "  fits in  {ms} ms");
    }
    for charge in &decision.charges {
        let _ = writeln!(out, "  limit    {}", charged(charge));
    }
    for shadow in &decision.shadow {
        let _ = writeln!(out, "  shadow   {}  {}", shadow.code, visible(&shadow.rule));
    }
    out
}

fn charged(charge: &Charge) -> String {
    format!(
        "{}: takes {} of {} in {} ms, {} left  {}",
        visible(&charge.counter),
        charge.cost,
        charge.max,
        charge.window_ms,
        charge.left,
        visible(&charge.rule)
    )
}

fn steps(out: &mut String, step: &Step, paint: Paint) {
    let word = match step.result {
        StepResult::Passes => paint.tone(Tone::Good, "passes "),
        StepResult::Refuses => paint.tone(Tone::Bad, "refuses"),
        StepResult::Holds => paint.tone(Tone::Odd, "holds  "),
    };
    let rule = step.rule.as_deref().unwrap_or("-");
    let shadow = if step.shadow { " (shadow)" } else { "" };
    let _ = writeln!(
        out,
        "{word}  {}{shadow}  {}",
        visible(rule),
        visible(&step.detail)
    );
    for condition in &step.conditions {
        let found = condition.found.as_deref().unwrap_or("nothing");
        let _ = writeln!(
            out,
            "           {:<9}  {} {} {}  found {}",
            condition.truth,
            visible(&condition.path),
            condition.op,
            visible(&condition.value),
            visible(found)
        );
    }
}
