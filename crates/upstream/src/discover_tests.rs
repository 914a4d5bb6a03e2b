//! Discovery against servers that speak, mumble and lie.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::io::AsyncWriteExt;

use super::*;
use crate::{
    error::NotSent,
    testing::{dialler, read_request, server},
};

/// What a server was sent: method, headers by lower-case name, body.
#[derive(Debug, Clone)]
struct Asked {
    verb: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Asked {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let verb = lines
            .next()
            .and_then(|line| line.split(' ').next())
            .expect("a method");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            verb: verb.to_owned(),
            headers,
            body: body.to_owned(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Its JSON-RPC method, or its HTTP method where it has no body.
    fn method(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["method"].as_str().unwrap_or(&self.verb).to_owned()
    }

    fn id(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["id"].to_string()
    }

    fn cursor(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["params"]["cursor"].as_str().map(str::to_owned)
    }
}

type Log = Arc<Mutex<Vec<Asked>>>;

/// A server that answers each request by `script`; what it was asked is in the log.
async fn scripted(
    script: impl Fn(&Asked) -> String + Send + Sync + 'static,
) -> (Arc<Upstream>, Log) {
    let log = Log::default();
    let (script, asked) = (Arc::new(script), Arc::clone(&log));
    let (upstream, _) = server(move |mut tcp, seen| {
        let (script, asked) = (Arc::clone(&script), Arc::clone(&asked));
        async move {
            while let Some(text) = read_request(&mut tcp, &seen).await {
                let request = Asked::read(&text);
                let answer = script(&request);
                asked.lock().expect("unpoisoned").push(request);
                if tcp.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    })
    .await;
    (upstream, log)
}

fn methods(log: &Log) -> Vec<String> {
    log.lock()
        .expect("unpoisoned")
        .iter()
        .map(Asked::method)
        .collect()
}

fn respond(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn json(status: &str, body: &str) -> String {
    respond(
        status,
        "content-type: application/json; charset=utf-8\r\n",
        body,
    )
}

fn result(asked: &Asked, result: &str) -> String {
    json(
        "200 OK",
        &format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#,
            asked.id()
        ),
    )
}

fn error(status: &str, asked: &Asked, code: i32) -> String {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":{code},"message":"no"}}}}"#,
        asked.id()
    );
    json(status, &body)
}

const HELLO: &str = r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"fake","version":"1.2"}}"#;

/// A well-behaved server of the session era that offers these tools.
fn session_server(asked: &Asked, tools: &str) -> String {
    match asked.method().as_str() {
        "initialize" => result(asked, HELLO),
        "notifications/initialized" => respond("202 Accepted", "", ""),
        "tools/list" => result(asked, &format!(r#"{{"tools":{tools}}}"#)),
        "DELETE" => respond("405 Method Not Allowed", "", ""),
        other => panic!("{other} was not to be expected"),
    }
}

async fn fails(upstream: &Arc<Upstream>) -> String {
    discover(upstream, &[])
        .await
        .map(drop)
        .expect_err("nothing to find")
        .to_string()
}

#[tokio::test]
async fn a_session_is_begun_used_and_ended() {
    let (upstream, log) = scripted(|asked| match (asked.method().as_str(), asked.cursor()) {
        ("initialize", _) => {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{HELLO}}}"#, asked.id());
            let headers = "content-type: application/json\r\nmcp-session-id: s-1\r\n";
            respond("200 OK", headers, &body)
        }
        ("notifications/initialized", _) => respond("202 Accepted", "", ""),
        ("tools/list", None) => result(
            asked,
            r#"{"tools":[{"name":"a","title":"A","description":"first","inputSchema":{"x":1.50}},{"name":"b"}],"nextCursor":"p\"2"}"#,
        ),
        ("tools/list", Some(cursor)) if cursor == "p\"2" => result(
            asked,
            r#"{"tools":[{"name":"a","description":"a second time"},{"name":"not usable\u0000"},{"name":"c","annotations":{"title":"C"}}],"nextCursor":null}"#,
        ),
        ("DELETE", _) => respond("204 No Content", "", ""),
        other => panic!("{other:?} was not to be expected"),
    })
    .await;
    let token = HeaderValue::from_static("Bearer secret");
    let found = discover(&upstream, &[(http::header::AUTHORIZATION, token)])
        .await
        .expect("found");
    let names: Vec<_> = found.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "not usable\u{FFFD}", "c"]);
    assert_eq!(
        found.tools[0].definition,
        r#"{"name":"a","title":"A","description":"first","inputSchema":{"x":1.50}}"#
    );
    assert_eq!(found.tools[0].description.as_deref(), Some("first"));
    assert_eq!(found.tools[3].title.as_deref(), Some("C"));
    assert_eq!(
        found.notes,
        ["The server lists a more than once; its first definition counts."]
    );
    assert_eq!(found.server_name.as_deref(), Some("fake"));
    assert_eq!(found.server_version.as_deref(), Some("1.2"));
    assert_eq!(found.protocol_version, "2025-06-18");
    assert_eq!(found.moved_to, None);
    assert_eq!(
        methods(&log),
        [
            "initialize",
            "notifications/initialized",
            "tools/list",
            "tools/list",
            "DELETE"
        ]
    );
    for (at, asked) in log.lock().expect("unpoisoned").iter().enumerate() {
        assert_eq!(asked.header("authorization"), Some("Bearer secret"));
        assert_eq!(
            asked.header("accept"),
            Some("application/json, text/event-stream")
        );
        assert_eq!(asked.header("accept-encoding"), Some("identity"));
        let after = at > 0;
        assert_eq!(asked.header("mcp-session-id"), after.then_some("s-1"));
        assert_eq!(
            asked.header("mcp-protocol-version"),
            after.then_some("2025-06-18")
        );
        assert_eq!(asked.header("mcp-method"), None);
    }
}

#[tokio::test]
async fn a_stream_is_as_good_an_answer() {
    for (before, end) in [
        ("", "\r\n\r\n"),
        ("\u{FEFF}", "\r\r"),
        ("id: 1\ndata:\n\n", "\n"),
    ] {
        let (upstream, _) = scripted(move |asked| match asked.method().as_str() {
            "notifications/initialized" => respond("202 Accepted", "", ""),
            method => {
                let result = if method == "initialize" {
                    HELLO.to_owned()
                } else {
                    r#"{"tools":[{"name":"a"}]}"#.to_owned()
                };
                let id = asked.id();
                let body = format!(
                    "{before}event: message\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}}\n\n\
                     data: {{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}}\n\n\
                     data: {{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{{}}}}\n\n\
                     event: other\ndata: {{\n\n\
                     : comment\ndata:{{\"jsonrpc\":\"2.0\",\ndata:\"id\":{id},\"result\":{result}}}{end}"
                );
                respond("200 OK", "content-type: Text/Event-Stream\r\n", &body)
            }
        })
        .await;
        let found = discover(&upstream, &[]).await.expect("found");
        assert_eq!(found.tools.len(), 1);
    }
}

#[tokio::test]
async fn a_stream_that_ends_without_the_answer_is_a_broken_one() {
    let (upstream, _) = scripted(|_| {
        respond(
            "200 OK",
            "content-type: text/event-stream\r\n",
            "id: 1\ndata:\n\n",
        )
    })
    .await;
    let error = discover(&upstream, &[])
        .await
        .map(drop)
        .expect_err("no answer");
    assert!(
        matches!(error, DiscoverError::Upstream(UpstreamError::Broken(_))),
        "{error:?}"
    );
}

/// Four ways in which servers without a handshake turn one down.
#[tokio::test]
async fn a_stateless_server_is_found_out() {
    for (status, code) in [
        ("404 Not Found", -32601),
        ("400 Bad Request", -32022),
        ("400 Bad Request", -32602),
        ("200 OK", -32601),
    ] {
        let (upstream, log) = scripted(move |asked| match asked.method().as_str() {
            "initialize" => error(status, asked, code),
            "server/discover" => result(
                asked,
                r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"new","version":"3"}},"ttlMs":1,"cacheScope":"private"}"#,
            ),
            "tools/list" => result(
                asked,
                r#"{"resultType":"complete","tools":[{"name":"a"}],"ttlMs":1,"cacheScope":"private"}"#,
            ),
            other => panic!("{other} was not to be expected"),
        })
        .await;
        let found = discover(&upstream, &[]).await.expect("found");
        assert_eq!(found.tools.len(), 1);
        assert_eq!(found.server_name.as_deref(), Some("new"));
        assert_eq!(found.protocol_version, "2026-07-28");
        assert_eq!(
            methods(&log),
            ["initialize", "server/discover", "tools/list"]
        );
        for asked in &log.lock().expect("unpoisoned")[1..] {
            assert_eq!(asked.header("mcp-protocol-version"), Some("2026-07-28"));
            assert_eq!(asked.header("mcp-method"), Some(asked.method().as_str()));
            let body: serde_json::Value = serde_json::from_str(&asked.body).expect("JSON");
            let meta = &body["params"]["_meta"];
            assert_eq!(
                meta["io.modelcontextprotocol/protocolVersion"],
                "2026-07-28"
            );
            assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object());
            assert_eq!(
                meta["io.modelcontextprotocol/clientInfo"]["name"],
                "tollgate"
            );
        }
    }
}

#[tokio::test]
async fn a_server_of_the_first_transport_is_recognised() {
    for endpoint in [true, false] {
        let (upstream, _) = scripted(move |asked| match asked.method().as_str() {
            "GET" if endpoint => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                let event = "event: endpoint\ndata: /messages?sessionId=1\n\n";
                format!("{head}{:x}\r\n{event}\r\n", event.len())
            }
            _ => respond("405 Method Not Allowed", "content-type: text/html\r\n", "<html>"),
        })
        .await;
        let error = discover(&upstream, &[])
            .await
            .map(drop)
            .expect_err("not spoken");
        assert_eq!(
            matches!(error, DiscoverError::OldTransport),
            endpoint,
            "{error:?}"
        );
        if !endpoint {
            assert_eq!(
                error.to_string(),
                "the server's answer to initialize is not MCP: HTTP 405"
            );
        }
    }
}

#[tokio::test]
async fn a_refused_credential_is_said_to_be_one() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let (upstream, log) = scripted(move |asked| error(status, asked, -32001)).await;
        let error = discover(&upstream, &[])
            .await
            .map(drop)
            .expect_err("refused");
        let code: u16 = status[..3].parse().expect("a number");
        assert!(
            matches!(error, DiscoverError::Credential(told) if told == code),
            "{error:?}"
        );
        assert_eq!(methods(&log), ["initialize"], "nothing else is tried");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_said_in_a_sentence() {
    let (upstream, log) = scripted(|asked| session_server(asked, "[]")).await;
    let strict = crate::Dialler::new(crate::Guard::new(Vec::new()));
    let upstream = Upstream::new(strict, upstream.url().clone());
    let error = discover(&upstream, &[])
        .await
        .map(drop)
        .expect_err("refused");
    assert!(matches!(
        error,
        DiscoverError::Upstream(UpstreamError::NotSent(NotSent::Refused(_)))
    ));
    assert_eq!(
        error.to_string(),
        "the server cannot be reached: its address 127.0.0.1 is not one that may be dialled"
    );
    assert!(log.lock().expect("unpoisoned").is_empty());
}

#[path = "discover_redirect_tests.rs"]
mod redirects;
#[path = "discover_rubbish_tests.rs"]
mod rubbish;
