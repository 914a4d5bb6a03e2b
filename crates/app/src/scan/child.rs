//! A local server that is started and asked by its standard streams.

use std::{ffi::OsString, io, time::Duration};

use anyhow::{Result, anyhow};
use secrecy::SecretString;
use tokio::{
    io::BufReader,
    signal::unix::{SignalKind, signal},
};
use upstream::{DiscoverError, Found, UpstreamError, discover_lines};

use super::{failed, process::Process};
use crate::{exit::Usage, policy::visible};

/// So many lines of what it complained are shown.
const COMPLAINT_LINES_MAX: usize = 10;

/// Starts the command, lists its tools, and ends it with all that it started: when it has answered,
/// when `limit` is over, and when this process is told to end.
pub(super) async fn ask(
    words: &[OsString],
    env: &[(String, SecretString)],
    limit: Duration,
) -> Result<Found> {
    let name = words.first().map(|word| word.to_string_lossy());
    let name = name.unwrap_or_default();
    let mut process = Process::start(words, env).map_err(|error| not_started(&name, &error))?;
    let streams = (process.child.stdout.take(), process.child.stdin.take());
    let (Some(from), Some(to)) = streams else {
        return Err(anyhow!("the command has no streams"));
    };
    let answer = tokio::select! {
        answer = discover_lines(BufReader::new(from), to, limit) => Some(answer),
        () = told_to_end() => None,
    };
    let found = match answer {
        Some(Ok(found)) => Ok(found),
        Some(Err(error)) => {
            if matches!(error, DiscoverError::Upstream(UpstreamError::Broken(_))) {
                process.settle().await;
            }
            Err(failed(&name, &error, &more(&process)))
        }
        None => Err(anyhow!("stopped before the server had answered")),
    };
    process.end().await;
    found
}

fn not_started(name: &str, error: &io::Error) -> anyhow::Error {
    Usage(format!("cannot start {}: {error}", visible(name))).into()
}

/// Ctrl-C goes to the foreground's group, which the command is not in: it is ended by us.
async fn told_to_end() {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let [Ok(mut first), Ok(mut second), Ok(mut third)] = kinds.map(signal) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = first.recv() => {}
        _ = second.recv() => {}
        _ = third.recv() => {}
    }
}

/// What became of it, and the last that it complained.
fn more(process: &Process) -> String {
    let mut more = String::new();
    if let Some(ended) = process.ended() {
        more += &format!("; {ended}");
    }
    let complaint = process.complaint();
    let lines: Vec<&str> = complaint.lines().collect();
    let shown = &lines[lines.len().saturating_sub(COMPLAINT_LINES_MAX)..];
    if !shown.is_empty() {
        more += "\nIt wrote to its standard error:";
    }
    for line in shown {
        more += &format!("\n  {}", visible(line));
    }
    more
}
