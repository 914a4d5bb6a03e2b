//! `tollgate policy check` and `test`.

use std::{fmt::Write as _, process::ExitCode};

use anyhow::Result;
use domain::Tool;
use policy::{Fault, Report, TestOutcome};
use serde::Serialize;

use super::{
    args::{CheckArgs, TestArgs},
    inventory,
    show::{self, Paint, Tone, count, visible},
    source::Source,
};
use crate::{
    exit::REFUSED,
    output::{Format, say, say_json_of},
};

/// Where many files are checked, each report says whose it is.
#[derive(Serialize)]
struct FileReport<'a> {
    file: &'a str,
    #[serde(flatten)]
    report: &'a Report,
}

/// Says all that is wrong and all that is odd with each file.
pub(super) fn check(args: &CheckArgs) -> Result<ExitCode> {
    let inventory = inventory::read(&args.tools)?;
    let sources = args.files.iter().map(|file| Source::read(file));
    let sources: Vec<Source> = sources.collect::<Result<_>>()?;
    let reports: Vec<Report> = sources
        .iter()
        .map(|source| source.check(inventory.as_deref()))
        .collect();
    match (args.output, &reports[..]) {
        (Format::Json, [report]) => say_json_of(report)?,
        (Format::Json, _) => say_json_of(&named(&sources, &reports))?,
        (Format::Text, _) => {
            let mut out = String::new();
            for (source, report) in sources.iter().zip(&reports) {
                told(&mut out, Paint::new(), source, report);
                verdict(&mut out, source, report, inventory.as_deref());
            }
            say(&out);
        }
    }
    Ok(ended_well(reports.iter().all(|report| report.valid)))
}

fn named<'a>(sources: &'a [Source], reports: &'a [Report]) -> Vec<FileReport<'a>> {
    sources
        .iter()
        .zip(reports)
        .map(|(source, report)| FileReport {
            file: source.name(),
            report,
        })
        .collect()
}

/// Faults, then warnings, for people.
pub(super) fn told(out: &mut String, paint: Paint, source: &Source, report: &Report) {
    show::faults(out, paint, source, Tone::Bad, &report.faults);
    show::faults(out, paint, source, Tone::Odd, &report.warnings);
}

/// `policy.json: valid; 3 tests passed; 1 warning`.
fn verdict(out: &mut String, source: &Source, report: &Report, inventory: Option<&[Tool]>) {
    let mut parts = Vec::new();
    if report.valid {
        parts.push("valid".to_owned());
        let tests = source
            .policy()
            .map(|policy| policy.run_tests(inventory).len());
        if let Ok(tests) = tests.as_ref().map(|tests| *tests)
            && tests > 0
        {
            parts.push(format!("{} passed", count(tests, "test")));
        }
    } else {
        parts.push(count(report.faults.len(), "fault"));
    }
    if !report.warnings.is_empty() {
        parts.push(count(report.warnings.len(), "warning"));
    }
    let _ = writeln!(out, "{}: {}", visible(source.name()), parts.join("; "));
}

/// What the tests of one document came to.
#[derive(Serialize)]
struct Tests<'a> {
    passed: usize,
    failed: usize,
    tests: &'a [TestOutcome],
}

/// Runs the tests of a document, one line each.
pub(super) fn test(args: &TestArgs) -> Result<ExitCode> {
    let inventory = inventory::read(&args.tools)?;
    let source = Source::read(&args.file)?;
    let policy = match source.policy() {
        Ok(policy) => policy,
        Err(report) => return invalid(&source, &report, args.output),
    };
    let outcomes = policy.run_tests(inventory.as_deref());
    let passed = outcomes.iter().filter(|outcome| outcome.passed).count();
    let failed = outcomes.len() - passed;
    match args.output {
        Format::Json => say_json_of(&Tests {
            passed,
            failed,
            tests: &outcomes,
        })?,
        Format::Text => say(&lines(&source, &outcomes, passed, failed)),
    }
    Ok(ended_well(failed == 0))
}

fn lines(source: &Source, outcomes: &[TestOutcome], passed: usize, failed: usize) -> String {
    let name = visible(source.name());
    if outcomes.is_empty() {
        return format!("{name}: the document has no tests");
    }
    let paint = Paint::new();
    let mut out = String::new();
    for outcome in outcomes {
        let word = if outcome.passed {
            paint.tone(Tone::Good, "ok    ")
        } else {
            paint.tone(Tone::Bad, "FAILED")
        };
        let _ = writeln!(out, "{word} {}", visible(&outcome.name));
        if !outcome.passed {
            let _ = writeln!(out, "         expected {}", visible(&outcome.expected));
            let _ = writeln!(out, "         got      {}", visible(&outcome.got));
            let _ = writeln!(out, "         at       {}", visible(&outcome.pointer));
        }
    }
    let _ = writeln!(
        out,
        "{name}: {} passed, {failed} failed",
        count(passed, "test")
    );
    out
}

/// For the commands that need a valid document: what is wrong with it.
pub(super) fn invalid(source: &Source, report: &Report, output: Format) -> Result<ExitCode> {
    #[derive(Serialize)]
    struct Invalid<'a> {
        valid: bool,
        faults: &'a [Fault],
        warnings: &'a [Fault],
    }
    match output {
        Format::Json => say_json_of(&Invalid {
            valid: false,
            faults: &report.faults,
            warnings: &report.warnings,
        })?,
        Format::Text => {
            let mut out = String::new();
            show::faults(&mut out, Paint::new(), source, Tone::Bad, &report.faults);
            let _ = writeln!(
                out,
                "{}: {}",
                visible(source.name()),
                count(report.faults.len(), "fault")
            );
            say(&out);
        }
    }
    Ok(ExitCode::from(REFUSED))
}

fn ended_well(well: bool) -> ExitCode {
    if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    }
}
