//! `tollgate catalog classify`.

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use crate::output::escaped;

pub(super) fn run() -> Result<ExitCode> {
    let out = io::BufWriter::new(io::stdout().lock());
    classify(io::stdin().lock(), out)?;
    Ok(ExitCode::SUCCESS)
}

/// A line out for every line in, in their order; empty lines are passed over.
fn classify(tools: impl BufRead, mut out: impl Write) -> Result<()> {
    for (at, line) in tools.lines().enumerate() {
        let line = line.context("standard input")?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = ::catalog::classify_line(&line).with_context(|| format!("line {}", at + 1))?;
        match writeln!(out, "{}", escaped(&answer)) {
            // Whoever read went away.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("standard output")?,
        }
    }
    match out.flush() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        flushed => flushed.context("standard output"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn classified(tools: &str) -> Result<String> {
        let mut out = Vec::new();
        classify(tools.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn a_line_for_each_tool() {
        let lines = concat!(
            r#"{"name":"delete_file","inputSchema":{"properties":{"path":{}}}}"#,
            "\n\n",
            r#"{"name":"get_it","description":"Returns it","args":["id"]}"#,
        );
        let out = classified(lines).expect("tools");
        let answers: Vec<Value> = out
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[0]["class"], "destructive");
        assert_eq!(answers[1]["name"], "get_it");
        assert_eq!(answers[1]["risk"], "low");
    }

    #[test]
    fn a_name_cannot_drive_a_terminal() {
        let out = classified("{\"name\":\"get_\\u202ex\\u007f\"}").expect("a tool");
        assert!(out.contains(r"\u202e") && out.contains(r"\u007f"), "{out}");
    }

    #[test]
    fn a_line_that_is_no_tool_is_named() {
        let error = classified("{\"name\":\"a\"}\nnonsense").expect_err("no tool");
        assert!(
            format!("{error:#}").starts_with("line 2: not a tool: "),
            "{error:#}"
        );
    }
}
