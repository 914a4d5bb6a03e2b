//! A report for people.

use std::{fmt::Write as _, path::Path};

use domain::Risk;

use super::report::{Listed, Report};
use crate::policy::{Paint, Tone, count, visible};

/// A name that is longer moves its own line and no other.
const NAME_CHARS_MAX: usize = 48;

/// The tools by risk, what to do first, and the policy, unless it went to a file.
pub(super) fn text(report: &Report, paint: Paint, policy: Option<&Path>) -> String {
    let mut out = String::new();
    let server = &report.server;
    let name = server.name.as_deref().unwrap_or("without a name");
    let version = server.version.as_deref().unwrap_or_default();
    // A CI system takes some lines for its commands, so none begins with what a server says.
    let title = format!("{} {}", visible(name), visible(version));
    let _ = writeln!(
        out,
        "Server: {}, MCP {}, {}",
        paint.tone(Tone::Strong, title.trim_end()),
        visible(&server.protocol),
        count(report.counts.tools, "tool")
    );
    for note in &report.notes {
        let _ = writeln!(out, "{}", paint.tone(Tone::Odd, visible(note)));
    }
    table(&mut out, paint, &report.tools);
    if !report.advice.is_empty() {
        let _ = writeln!(out, "\n{}", paint.tone(Tone::Strong, "What to do first"));
    }
    for (at, advice) in report.advice.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", at + 1, visible(advice));
    }
    let heading = paint.tone(Tone::Strong, "A policy to begin with");
    match policy {
        Some(path) => {
            let path = path.to_string_lossy();
            let _ = writeln!(out, "\n{heading} is in {}", visible(&path));
        }
        None => {
            let _ = writeln!(
                out,
                "\n{heading}\n{}",
                crate::output::escaped(&report.policy_text())
            );
        }
    }
    out
}

fn table(out: &mut String, paint: Paint, tools: &[Listed]) {
    let names: Vec<_> = tools.iter().map(|tool| visible(&tool.name)).collect();
    let widths = names.iter().map(|name| name.chars().count());
    let width = widths.filter(|width| *width <= NAME_CHARS_MAX).max();
    let width = width.unwrap_or_default();
    if !tools.is_empty() {
        out.push('\n');
    }
    for (tool, name) in tools.iter().zip(names) {
        let risk = format!("{:8}", tool.risk.as_str());
        let why: Vec<_> = tool
            .signals
            .iter()
            .map(|signal| visible(&signal.words))
            .collect();
        let line = format!(
            "{}  {:11}  {name:width$}  {}",
            paint.tone(tone(tool.risk), risk),
            tool.class.as_str(),
            paint.tone(Tone::Quiet, why.join("; "))
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

const fn tone(risk: Risk) -> Tone {
    match risk {
        Risk::Critical | Risk::High => Tone::Bad,
        Risk::Medium => Tone::Odd,
        Risk::Low => Tone::Good,
    }
}
