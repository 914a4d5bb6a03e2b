//! Requests written byte by byte, and answers read to their end.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A request, written byte by byte, so that odd ones can be written too.
pub(crate) struct Ask {
    pub(super) to: SocketAddr,
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        let sized = self
            .headers
            .iter()
            .any(|(name, _)| name == "content-length" || name == "transfer-encoding");
        if let (Some(body), false) = (&self.body, sized) {
            out.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        out.push_str("connection: close\r\n\r\n");
        let mut out = out.into_bytes();
        out.extend_from_slice(self.body.as_deref().unwrap_or_default());
        out
    }

    /// Sends it and reads the answer to its end.
    pub(crate) async fn send(self) -> Reply {
        let mut stream = self.open().await;
        let mut all = Vec::new();
        let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await;
        read.expect("an answer in time").ok();
        Reply::parse(&all)
    }

    /// Sends it and leaves the connection open.
    pub(crate) async fn open(self) -> TcpStream {
        let mut stream = TcpStream::connect(self.to).await.expect("a connection");
        stream.write_all(&self.bytes()).await.ok();
        stream
    }
}

/// Reads from an open connection until the text was seen, or for this long.
pub(crate) async fn until(stream: &mut TcpStream, text: &str, within: Duration) -> String {
    let mut all = Vec::new();
    let reading = async {
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&all).contains(text) {
            match stream.read(&mut piece).await {
                Ok(n) if n > 0 => all.extend_from_slice(&piece[..n]),
                _ => break,
            }
        }
    };
    let _ = timeout(within, reading).await;
    String::from_utf8_lossy(&all).into_owned()
}

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    fn parse(all: &[u8]) -> Self {
        let text = String::from_utf8_lossy(all);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default();
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let chunked = headers
            .iter()
            .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = if chunked {
            unchunked(body)
        } else {
            body.to_owned()
        };
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The JSON-RPC error's code; 0 where there is none.
    pub(crate) fn error(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or(0)
    }

    /// The text of a tool's result that failed.
    pub(crate) fn said(&self) -> String {
        let json = self.json();
        assert_eq!(json["result"]["isError"], true, "{json}");
        json["result"]["content"][0]["text"]
            .as_str()
            .expect("a text")
            .to_owned()
    }

    pub(crate) fn decision(&self) -> serde_json::Value {
        self.json()["result"]["_meta"]["tollgate/decision"].clone()
    }

    /// The data of each event.
    pub(crate) fn events(&self) -> Vec<String> {
        let lines = self.body.lines();
        lines
            .filter_map(|line| line.strip_prefix("data: "))
            .map(str::to_owned)
            .collect()
    }
}

fn unchunked(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else {
            break;
        };
        if size == 0 || after.len() < size {
            out.push_str(after.get(..size).unwrap_or(after).trim_end_matches("\r\n"));
            break;
        }
        out.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    out
}
