//! Local servers that speak, mumble and lie.

use tokio::io::{BufReader, DuplexStream, duplex, split};

use super::*;

const SOON: Duration = Duration::from_secs(5);

/// A server that answers each line by `answer`; what it answers stands as it is, line ends and all.
fn serve(mut answer: impl FnMut(&serde_json::Value) -> String + Send + 'static) -> DuplexStream {
    let (ours, theirs) = duplex(64 * 1024);
    tokio::spawn(async move {
        let (from, mut to) = split(theirs);
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let said = answer(&serde_json::from_str(&line).expect("JSON"));
            if to.write_all(said.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    ours
}

async fn ask(server: DuplexStream, limit: Duration) -> Result<Found, DiscoverError> {
    let (from, to) = split(server);
    discover_lines(BufReader::new(from), to, limit).await
}

/// A server of the session era with these pages of tools.
fn session(message: &serde_json::Value, tools: &str, next: &str) -> String {
    let id = &message["id"];
    match message["method"].as_str().expect("a method") {
        "initialize" => format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":"2025-06-18","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"local","version":"2"}}}}}}{}"#,
            "\n"
        ),
        "tools/list" => format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{tools}]{next}}}}}{}"#,
            "\n"
        ),
        _ => String::new(),
    }
}

async fn fails(server: DuplexStream) -> String {
    let error = ask(server, SOON).await.map(drop).expect_err("no tools");
    error.to_string()
}

#[tokio::test]
async fn a_server_of_the_session_era_is_listed_in_spite_of_its_chatter() {
    let server = serve(|message| {
        let said = session(message, r#"{"name":"a"}"#, "");
        format!(
            "Listening on stdio...\n\n[1]\n{{\"level\":\"info\",\"said\":\"a \\\"jsonrpc\\\" server\"}}\n{{ level: 'info' }}\n{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}}\n{said}"
        )
    });
    let found = ask(server, SOON).await.expect("found");
    assert_eq!(found.tools.len(), 1);
    assert_eq!(found.server_name.as_deref(), Some("local"));
    assert_eq!(found.protocol_version, "2025-06-18");
}

#[tokio::test]
async fn a_server_without_a_handshake_is_listed() {
    let server = serve(|message| {
        let id = &message["id"];
        let outcome = match message["method"].as_str().expect("a method") {
            "server/discover" => {
                r#""result":{"capabilities":{"tools":{}},"serverInfo":{"name":"new"}}"#
            }
            "tools/list" => {
                let version =
                    &message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
                assert_eq!(version, "2026-07-28");
                r#""result":{"tools":[{"name":"b"}]}"#
            }
            _ => r#""error":{"code":-32601,"message":"no such method"}"#,
        };
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{outcome}}}\n")
    });
    let found = ask(server, SOON).await.expect("found");
    assert_eq!(found.protocol_version, "2026-07-28");
    assert_eq!(found.tools[0].name, "b");
}

/// Some servers list their tools only after their client has answered.
#[tokio::test]
async fn what_the_server_asks_is_answered() {
    let mut waiting = None;
    let server = serve(move |message| match message["method"].as_str() {
        Some("tools/list") => {
            waiting = Some(message.clone());
            "{\"jsonrpc\":\"2.0\",\"id\":\"r\\u0031\",\"method\":\"roots/list\"}\n".to_owned()
        }
        Some(_) => session(message, "", ""),
        None => {
            assert_eq!(message["id"], "r1");
            assert_eq!(message["error"]["code"], -32601);
            let asked = waiting.take().expect("asked before");
            session(&asked, r#"{"name":"a"}"#, "")
        }
    });
    let found = ask(server, SOON).await.expect("found");
    assert_eq!(found.tools.len(), 1);
}

#[tokio::test]
async fn an_endless_list_ends() {
    let server = serve(|message| session(message, "", r#","nextCursor":"again""#));
    let said = fails(server).await;
    assert!(said.ends_with("its list has more than 100 pages"), "{said}");
    let server = serve(|message| {
        let many = vec![r#"{"name":"a"}"#; 10_001].join(",");
        session(message, &many, "")
    });
    let said = fails(server).await;
    assert!(said.ends_with("it lists more than 10000 tools"), "{said}");
}

#[tokio::test]
async fn an_endless_line_and_endless_chatter_end() {
    let (ours, mut theirs) = duplex(64 * 1024);
    tokio::spawn(async move { while theirs.write_all(&[b'a'; 32 * 1024]).await.is_ok() {} });
    let said = fails(ours).await;
    assert!(said.ends_with("it is longer than 16 MiB in all"), "{said}");
    let (ours, mut theirs) = duplex(64 * 1024);
    tokio::spawn(async move { while theirs.write_all(b"hello\n").await.is_ok() {} });
    let said = fails(ours).await;
    assert!(
        said.ends_with("it is more than 1000 lines of something else"),
        "{said}"
    );
}

#[tokio::test]
async fn endless_messages_that_answer_nothing_end() {
    let (ours, mut theirs) = duplex(64 * 1024);
    tokio::spawn(async move {
        let note = b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n";
        while theirs.write_all(note).await.is_ok() {}
    });
    let said = fails(ours).await;
    assert!(
        said.ends_with("more than 10000 other messages came first"),
        "{said}"
    );
}

#[tokio::test]
async fn silence_and_an_early_end_are_told_apart() {
    let (ours, theirs) = duplex(64);
    drop(theirs);
    assert!(matches!(
        ask(ours, SOON).await,
        Err(DiscoverError::Upstream(UpstreamError::Broken(_)))
    ));
    let (ours, _theirs) = duplex(64 * 1024);
    assert!(matches!(
        ask(ours, Duration::from_millis(100)).await,
        Err(DiscoverError::Upstream(UpstreamError::Timeout(_)))
    ));
    // Nobody reads what is asked either.
    let (ours, _theirs) = duplex(8);
    assert!(matches!(
        ask(ours, Duration::from_millis(100)).await,
        Err(DiscoverError::Upstream(UpstreamError::Timeout(_)))
    ));
}
