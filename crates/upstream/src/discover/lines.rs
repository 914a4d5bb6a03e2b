//! Discovery of a local server by its standard streams: a message a line, each way.
//!
//! Source: MCP 2025-11-25, "Transports", "stdio". Whoever starts the process ends it; here nothing
//! is known of processes.

use std::{io, time::Duration};

use json::{Bounds, Document, Kind};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    DiscoverError, Found, LISTING_BYTES_MAX,
    conversation::{Conversation, Era, plain_version, request_body},
    message::{Failed, Heard, hear, with_result},
    walk,
};
use crate::error::UpstreamError;

/// How many lines that are no JSON object are passed over: many servers greet on the wrong stream.
const CHATTER_MAX: usize = 1000;
/// How many messages that answer nothing are passed over.
const OTHERS_MAX: usize = 10_000;

/// Walks a client's handshake with a local server and lists its tools, in whichever era it speaks,
/// within `limit`. At most [`LISTING_BYTES_MAX`] bytes are read, of one line as of all.
///
/// # Errors
/// As [`super::discover`]; the end of the server's output is [`UpstreamError::Broken`].
pub async fn discover_lines(
    from: impl AsyncBufRead + Unpin,
    to: impl AsyncWrite + Unpin,
    limit: Duration,
) -> Result<Found, DiscoverError> {
    let mut lines = Lines {
        from,
        to,
        era: Era::Session,
        last_id: 0,
        bytes_left: LISTING_BYTES_MAX,
        chatter_left: CHATTER_MAX,
        others_left: OTHERS_MAX,
    };
    tokio::time::timeout(limit, walk(&mut lines))
        .await
        .unwrap_or(Err(UpstreamError::Timeout(limit).into()))
}

struct Lines<R, W> {
    from: R,
    to: W,
    era: Era,
    last_id: u64,
    bytes_left: usize,
    chatter_left: usize,
    others_left: usize,
}

impl<R: AsyncBufRead + Unpin, W: AsyncWrite + Unpin> Lines<R, W> {
    async fn say(&mut self, message: &str) -> Result<(), Failed> {
        let sent = async {
            self.to.write_all(message.as_bytes()).await?;
            self.to.write_all(b"\n").await?;
            self.to.flush().await
        };
        sent.await.map_err(broken)
    }

    /// The next line that can be a message, without its end.
    async fn line(&mut self, method: &'static str) -> Result<Vec<u8>, Failed> {
        loop {
            let line = self.any_line(method).await?;
            match line.trim_ascii_start().first() {
                Some(b'{') if names_its_protocol(&line) => return Ok(line),
                None => continue,
                Some(_) => {}
            }
            self.chatter_left = self.chatter_left.checked_sub(1).ok_or_else(|| {
                let detail = format!("it is more than {CHATTER_MAX} lines of something else");
                Failed::NotMcp { method, detail }
            })?;
        }
    }

    async fn any_line(&mut self, method: &'static str) -> Result<Vec<u8>, Failed> {
        let mut line = Vec::new();
        loop {
            let read = self.from.fill_buf().await.map_err(broken)?;
            if read.is_empty() {
                let ended = io::Error::new(io::ErrorKind::UnexpectedEof, "its output ended");
                return Err(broken(ended));
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(read.len(), |end| end + 1);
            self.bytes_left = self.bytes_left.checked_sub(taken).ok_or_else(|| {
                let detail = format!("it is longer than {} MiB in all", LISTING_BYTES_MAX >> 20);
                Failed::NotMcp { method, detail }
            })?;
            line.extend_from_slice(&read[..end.unwrap_or(taken)]);
            self.from.consume(taken);
            if end.is_some() {
                return Ok(line);
            }
        }
    }

    /// A server may ask its client things; some wait for the answer.
    async fn refuse(&mut self, line: &[u8]) -> Result<(), Failed> {
        match answer_to(line) {
            Some(answer) => self.say(&answer).await,
            None => Ok(()),
        }
    }
}

impl<R: AsyncBufRead + Unpin, W: AsyncWrite + Unpin> Conversation for Lines<R, W> {
    fn set_era(&mut self, era: Era) {
        self.era = era;
    }

    fn set_version(&mut self, method: &'static str, version: &str) -> Result<(), Failed> {
        plain_version(method, version).map(|_| ())
    }

    async fn request(&mut self, method: &'static str, params: &str) -> Result<Vec<u8>, Failed> {
        self.last_id += 1;
        let id = self.last_id;
        self.say(&request_body(self.era, id, method, params))
            .await?;
        loop {
            let line = self.line(method).await?;
            match hear(&line, id).map_err(|detail| Failed::NotMcp { method, detail })? {
                Heard::Answer => {
                    with_result(method, &line, |_| Ok(()))?;
                    return Ok(line);
                }
                Heard::Other => self.refuse(&line).await?,
            }
            self.others_left = self.others_left.checked_sub(1).ok_or_else(|| {
                let detail = format!("more than {OTHERS_MAX} other messages came first");
                Failed::NotMcp { method, detail }
            })?;
        }
    }

    async fn notify(&mut self, method: &'static str) -> Result<(), Failed> {
        self.say(&format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#))
            .await
    }

    async fn speaks_the_old_transport(&mut self) -> bool {
        false
    }
}

/// Whether a line has the member that every message has. Servers write their logs to the same place,
/// some as JSON; inside a string of those the name's quotes would be escaped.
fn names_its_protocol(line: &[u8]) -> bool {
    const NAME: &[u8] = b"\"jsonrpc\"";
    line.windows(NAME.len()).any(|part| part == NAME)
}

/// What a client that offers nothing answers to a request: it is there, and can do nothing else.
fn answer_to(line: &[u8]) -> Option<String> {
    let bounds = Bounds {
        bytes_max: LISTING_BYTES_MAX,
        depth_max: 128,
    };
    let document = Document::parse(line, bounds).ok()?;
    let root = document.root();
    let id = root
        .get("id")
        .filter(|id| matches!(id.kind(), Kind::String | Kind::Number))?;
    let id = id.raw();
    let outcome = match root.get("method")?.as_str()?.as_ref() {
        "ping" => r#""result":{}"#,
        _ => r#""error":{"code":-32601,"message":"this client does not do that"}"#,
    };
    Some(format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#))
}

fn broken(error: io::Error) -> Failed {
    UpstreamError::Broken(error.into()).into()
}

#[cfg(test)]
#[path = "../discover_lines_tests.rs"]
mod tests;
