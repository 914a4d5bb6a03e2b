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
async fn rubbish_is_told_from_mcp() {
    let envelope =
        |rest: &'static str| move |asked: &Asked| json("200 OK", &rest.replace("$id", &asked.id()));
    type Script = Box<dyn Fn(&Asked) -> String + Send + Sync>;
    let cases: Vec<(Script, &str)> = vec![
        (
            Box::new(|_| respond("200 OK", "content-type: text/html\r\n", "<html>")),
            "it is text/html, not application/json or text/event-stream",
        ),
        (
            Box::new(|_| respond("200 OK", "", "{}")),
            "it has no Content-Type",
        ),
        (
            Box::new(|_| respond("500 Oops", "content-type: text/plain\r\n", "no")),
            "HTTP 500",
        ),
        (
            Box::new(|_| respond("302 Found", "", "")),
            "HTTP 302 without a place to go",
        ),
        (Box::new(envelope("")), "its JSON is not valid: "),
        (Box::new(envelope("{")), "its JSON is not valid: "),
        (Box::new(envelope("{} {}")), "its JSON is not valid: "),
        (
            Box::new(envelope(
                r#"{"jsonrpc":"2.0","id":$id,"result":{"a":1,"a":2}}"#,
            )),
            "its JSON is not valid: ",
        ),
        (Box::new(envelope("\u{FEFF}{}")), "its JSON is not valid: "),
        (
            Box::new(envelope(r#"[{"jsonrpc":"2.0","id":$id,"result":{}}]"#)),
            "it is an array, not one object",
        ),
        (
            Box::new(envelope(r#"{"id":$id,"result":{}}"#)),
            "it is not a JSON-RPC 2.0 message",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":$id}"#)),
            "it has neither a result nor an error",
        ),
        (
            Box::new(envelope(
                r#"{"jsonrpc":"2.0","id":$id,"result":{},"error":{"code":1}}"#,
            )),
            "it is a request and a response at once",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":"$id","result":{}}"#)),
            "it answers another request",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":99,"result":{}}"#)),
            "it answers another request",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":$id,"result":[]}"#)),
            "its result is not an object",
        ),
        (
            Box::new(envelope(
                r#"{"jsonrpc":"2.0","id":$id,"error":{"code":"x"}}"#,
            )),
            "its error has no code",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":$id,"result":{}}"#)),
            "its result names no protocolVersion",
        ),
        (
            Box::new(envelope(
                r#"{"jsonrpc":"2.0","id":$id,"result":{"protocolVersion":"x\r\ny: z"}}"#,
            )),
            "its protocolVersion is “x\u{FFFD}\u{FFFD}y: z”",
        ),
    ];
    for (script, detail) in cases {
        let (upstream, _) = scripted(script).await;
        let said = fails(&upstream).await;
        let expected = format!("the server's answer to initialize is not MCP: {detail}");
        assert!(said.starts_with(&expected), "{said}\n{expected}");
    }
}

#[tokio::test]
async fn a_list_is_read_strictly_or_not_at_all() {
    for (tools, detail) in [
        (r#"{"name":"a"}"#, "its result has no list of tools"),
        ("null", "its result has no list of tools"),
        (r#"[{"name":"a"},{}]"#, "tool 2 has no name"),
        (r#"[{"name":7}]"#, "tool 1 has no name"),
        (r#"["a"]"#, "tool 1 has no name"),
        (r#"[],"nextCursor":7"#, "its nextCursor is not a string"),
        (r#"[{"name":"a","name":"b"}]"#, "its JSON is not valid: "),
    ] {
        let (upstream, log) = scripted(move |asked| session_server(asked, tools)).await;
        let said = fails(&upstream).await;
        let expected = format!("the server's answer to tools/list is not MCP: {detail}");
        assert!(said.starts_with(&expected), "{said}\n{expected}");
        assert!(
            !methods(&log).contains(&"DELETE".to_owned()),
            "there is no session to end"
        );
    }
}

#[tokio::test]
async fn a_server_without_tools_has_none() {
    let (upstream, log) = scripted(|asked| match asked.method().as_str() {
        "initialize" => result(
            asked,
            r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
        ),
        _ => respond("202 Accepted", "", ""),
    })
    .await;
    assert!(
        discover(&upstream, &[])
            .await
            .expect("found")
            .tools
            .is_empty()
    );
    assert_eq!(methods(&log), ["initialize", "notifications/initialized"]);
    let (upstream, _) = scripted(|asked| match asked.method().as_str() {
        "tools/list" => error("200 OK", asked, -32601),
        _ => session_server(asked, ""),
    })
    .await;
    assert!(
        discover(&upstream, &[])
            .await
            .expect("found")
            .tools
            .is_empty()
    );
}

#[tokio::test]
async fn a_list_has_an_end() {
    let (upstream, log) =
        scripted(|asked| session_server(asked, r#"[{"name":"a"}],"nextCursor":"more""#)).await;
    assert!(
        fails(&upstream)
            .await
            .ends_with("its list has more than 100 pages")
    );
    assert_eq!(methods(&log).len(), 2 + PAGES_MAX);
    let many: Vec<_> = (0..=TOOLS_MAX)
        .map(|n| format!(r#"{{"name":"t{n}"}}"#))
        .collect();
    let many = format!("[{}]", many.join(","));
    let (upstream, _) = scripted(move |asked| session_server(asked, &many)).await;
    assert!(
        fails(&upstream)
            .await
            .ends_with("it lists more than 10000 tools")
    );
    // Many pages of a moderate size are bounded together.
    let long = format!(
        r#"[{{"name":"a","description":"{}"}}],"nextCursor":"x""#,
        "y".repeat(3 << 20)
    );
    let (upstream, log) = scripted(move |asked| session_server(asked, &long)).await;
    assert!(
        fails(&upstream)
            .await
            .ends_with("it is longer than 16 MiB in all")
    );
    assert_eq!(methods(&log).len(), 2 + 6);
}

/// A stream that never ends, and one event that never ends.
#[tokio::test]
async fn a_stream_has_an_end() {
    let padded = format!(
        "data: {}{{\"jsonrpc\":\"2.0\",\"method\":\"x\"}}\n\n",
        " ".repeat(4000)
    );
    let endless = format!("data: {}\n", "x".repeat(4000));
    for piece in [padded, endless] {
        let piece = piece.repeat(10);
        let (upstream, _) = server(move |mut tcp, seen| {
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            async move {
                read_request(&mut tcp, &seen).await;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                tcp.write_all(head.as_bytes()).await.expect("writes");
                while tcp.write_all(chunk.as_bytes()).await.is_ok() {}
            }
        })
        .await;
        assert!(
            fails(&upstream)
                .await
                .ends_with("it is longer than 16 MiB in all")
        );
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_and_its_session_ended() {
    let deleted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&deleted);
    let (upstream, _) = scripted(move |asked| match asked.method().as_str() {
        "initialize" => {
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":{},"result":{HELLO}}}"#,
                asked.id()
            );
            let headers = "content-type: application/json\r\nmcp-session-id: s-1\r\n";
            respond("200 OK", headers, &body)
        }
        "DELETE" => {
            assert_eq!(asked.header("mcp-session-id"), Some("s-1"));
            count.fetch_add(1, Ordering::SeqCst);
            respond("200 OK", "", "")
        }
        _ => "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n"
            .to_owned(),
    })
    .await;
    let limit = Duration::from_millis(200);
    let error = discover_within(&upstream, &[], limit)
        .await
        .map(drop)
        .expect_err("silence");
    assert!(
        matches!(error, DiscoverError::Upstream(UpstreamError::Timeout(_))),
        "{error:?}"
    );
    assert_eq!(deleted.load(Ordering::SeqCst), 1);
}

fn redirect(to: &str) -> String {
    respond("307 Temporary Redirect", &format!("location: {to}\r\n"), "")
}

/// Redirects `hops` times within the origin before it answers.
async fn redirecting(hops: usize) -> (Arc<Upstream>, Log) {
    let count = AtomicUsize::new(0);
    scripted(move |asked| {
        let hop = count.fetch_add(1, Ordering::SeqCst);
        if hop < hops {
            redirect(&format!("/hop{hop}"))
        } else {
            session_server(asked, "[]")
        }
    })
    .await
}

fn secret() -> [(HeaderName, HeaderValue); 1] {
    [(
        HeaderName::from_static("circle-token"),
        HeaderValue::from_static("secret"),
    )]
}

#[tokio::test]
async fn three_redirects_are_followed_and_no_fourth() {
    let (upstream, log) = redirecting(3).await;
    let found = discover(&upstream, &secret()).await.expect("found");
    let moved_to = found.moved_to.expect("elsewhere");
    assert_eq!(moved_to.target().path(), "/hop2");
    assert_eq!(
        log.lock().expect("unpoisoned").len(),
        3 + 3,
        "and the rest goes there at once"
    );
    let (upstream, _) = redirecting(4).await;
    assert!(
        fails(&upstream)
            .await
            .ends_with("it redirects more than 3 times")
    );
}

#[tokio::test]
async fn a_credential_never_follows_to_another_origin() {
    let (other, other_log) = scripted(|asked| session_server(asked, r#"[{"name":"a"}]"#)).await;
    let to = other.url().as_str().to_owned();
    let (upstream, _) = scripted(move |_| redirect(&to)).await;
    let error = discover(&upstream, &secret())
        .await
        .map(drop)
        .expect_err("refused");
    assert!(
        error
            .to_string()
            .contains("a credential never follows to another origin"),
        "{error}"
    );
    assert!(other_log.lock().expect("unpoisoned").is_empty());
    // Without one there is nothing to lose.
    let found = discover(&upstream, &[]).await.expect("found");
    assert_eq!(found.tools.len(), 1);
    assert_eq!(found.moved_to.as_ref(), Some(other.url()));
}

#[tokio::test]
async fn a_redirect_is_judged_like_any_address() {
    for (to, word) in [
        (
            "http://10.0.0.1/mcp",
            "its address 10.0.0.1 is not one that may be dialled",
        ),
        (
            "http://169.254.169.254/latest",
            "its address 169.254.169.254 is not one that may be dialled",
        ),
        ("file:///etc/passwd", "is not an absolute http or https URL"),
        ("http://user@127.0.0.1/", "may not contain a user name"),
    ] {
        let (upstream, _) = scripted(move |_| redirect(to)).await;
        let said = fails(&upstream).await;
        assert!(said.contains(word), "{said}");
    }
    let url = UpstreamUrl::parse("https://a.example/").expect("a URL");
    let mut exchange = Exchange::new(&Upstream::new(dialler(), url), &[]);
    let location = HeaderValue::from_static("http://a.example/");
    let refused = exchange.follow(http::StatusCode::FOUND, Some(&location));
    assert_eq!(
        refused,
        Err("it redirects from https to http://a.example/".to_owned())
    );
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
