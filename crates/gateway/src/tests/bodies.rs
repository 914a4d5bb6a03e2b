//! Bodies that could be read two ways, and requests that could be.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::{Plan, World, good};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs"}}"#;

/// `mcp-facts.md`, section 6: what real servers execute, hidden in a body that looks like another.
#[tokio::test]
async fn each_parser_differential_is_refused_and_recorded() {
    let mut world = World::new(good).await;
    let bodies: Vec<(&str, Vec<u8>, u16, i64)> = vec![
        ("not JSON", b"lol".to_vec(), 400, -32700),
        ("empty", b"".to_vec(), 400, -32700),
        ("two values", format!("{CALL}{CALL}").into(), 400, -32700),
        ("a second line", format!("{CALL}\n{CALL}").into(), 400, -32700),
        ("a byte-order mark", format!("\u{FEFF}{CALL}").into(), 400, -32700),
        ("not UTF-8", [CALL.as_bytes(), b"\xff"].concat(), 400, -32700),
        ("UTF-16", CALL.encode_utf16().flat_map(u16::to_le_bytes).collect(), 400, -32700),
        ("a lone surrogate", br#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#.to_vec(), 400, -32700),
        ("a duplicate name", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","name":"secret_tool"}}"#.to_vec(), 400, -32700),
        ("a duplicate method", br#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#.to_vec(), 400, -32700),
        ("an escaped duplicate", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","n\u0061me":"secret_tool"}}"#.to_vec(), 400, -32700),
        ("a duplicate deep inside", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","arguments":{"a":{"b":1,"b":2}}}}"#.to_vec(), 400, -32700),
        ("a batch", format!("[{CALL}]").into(), 400, -32600),
        ("a result beside a method", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"secret_tool"},"result":{}}"#.to_vec(), 400, -32600),
        ("an unknown member", br#"{"jsonrpc":"2.0","id":1,"method":"ping","x":1}"#.to_vec(), 400, -32600),
        ("another case", br#"{"jsonrpc":"2.0","id":1,"Method":"tools/call","method":"ping"}"#.to_vec(), 400, -32600),
        ("another case of name", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","Name":"secret_tool"}}"#.to_vec(), 400, -32602),
        ("a NUL in a key", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","name\u0000":"secret_tool"}}"#.to_vec(), 400, -32602),
        ("a long s", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","argumentſ":{}}}"#.into(), 400, -32602),
        ("an unknown parameter", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","x":1}}"#.to_vec(), 400, -32602),
        ("no id", br#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"get_logs"}}"#.to_vec(), 400, -32600),
        ("a null id", br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.to_vec(), 400, -32600),
        ("a broken id", br#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#.to_vec(), 400, -32600),
        ("a name with a blank", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs "}}"#.to_vec(), 400, -32602),
        ("arguments that are text", br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","arguments":"{}"}}"#.to_vec(), 400, -32602),
        ("too deep", format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":{}{}}}}}"#, "[".repeat(70), "]".repeat(70)).into(), 400, -32700),
        ("a response to nothing", br#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_vec(), 400, -32600),
    ];
    let asked = bodies.len();
    for (what, body, status, code) in bodies {
        let reply = world.post(body).send().await;
        assert_eq!(
            (reply.status, reply.error()),
            (status, code),
            "{what}: {}",
            reply.body
        );
        assert!(
            reply
                .header("tollgate-decision")
                .is_some_and(|id| id.starts_with("evt_")),
            "{what}"
        );
    }
    assert_eq!(world.seen.lock().len(), 0, "nothing reached the upstream");
    let decisions = world.decisions().await;
    assert_eq!(decisions.len(), asked);
    assert!(
        decisions[..asked - 1]
            .iter()
            .all(|decision| decision.code.as_str() == "malformed")
    );
    assert_eq!(decisions[asked - 1].code.as_str(), "method_refused");
}

#[tokio::test]
async fn an_error_carries_the_id_as_it_was_written_or_none() {
    let world = World::new(good).await;
    let id = r#""\u0061\n""#;
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"nope"}}"#);
    let reply = world.post(body).send().await;
    assert!(
        reply.body.contains(&format!("\"id\":{id},")),
        "{}",
        reply.body
    );
    assert_eq!((reply.status, reply.error()), (200, -32601));
    let reply = world.post("{").send().await;
    assert!(reply.json().get("id").is_none());
}

#[tokio::test]
async fn content_that_is_not_plain_json_is_refused() {
    let world = World::new(good).await;
    for (header, value, status) in [
        ("content-type", "text/plain", 415),
        ("content-type", "application/json; charset=utf-16", 415),
        ("content-type", "multipart/form-data", 415),
    ] {
        let ask = world
            .post(CALL)
            .without("content-type")
            .header(header, value);
        assert_eq!(ask.send().await.status, status, "{value}");
    }
    assert_eq!(
        world.post(CALL).without("content-type").send().await.status,
        415
    );
    let twice = world.post(CALL).header("content-type", "application/json");
    assert_eq!(twice.send().await.status, 415);
    for encoding in ["gzip", "identity"] {
        let reply = world
            .post(CALL)
            .header("content-encoding", encoding)
            .send()
            .await;
        assert_eq!((reply.status, reply.error()), (400, -32600), "{encoding}");
    }
    assert_eq!(world.seen.lock().len(), 0);
}

#[tokio::test]
async fn an_eleven_mebibyte_body_is_413_and_recorded() {
    let mut world = World::new(good).await;
    let padding = "x".repeat(11 << 20);
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{padding}"}}}}"#);
    let reply = world.post(body.clone()).send().await;
    assert_eq!(
        (reply.status, reply.error()),
        (413, -32600),
        "{}",
        reply.body
    );
    assert_eq!(world.last().await.0, "too_large");
    // The same without saying so before.
    let mut chunked = Vec::new();
    for piece in body.as_bytes().chunks(1 << 20) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let ask = world.post(chunked).header("transfer-encoding", "chunked");
    assert_eq!(ask.send().await.status, 413);
    assert_eq!(world.seen.lock().len(), 0);
}

#[tokio::test]
async fn a_body_at_the_bound_is_read() {
    let plan = Plan {
        body_bytes_max: CALL.len(),
        ..Plan::default()
    };
    let world = World::with(plan, good).await;
    assert_eq!(world.post(CALL).send().await.status, 200);
    assert_eq!(world.post(format!("{CALL} ")).send().await.status, 413);
}

/// Two lengths, a length beside chunks, or a second request hidden behind the first: whatever
/// becomes of the connection, the upstream sees at most the one request that was judged.
#[tokio::test]
async fn a_smuggled_request_reaches_nobody() {
    let world = World::new(good).await;
    let hidden = CALL.replace("get_logs", "secret_tool");
    let inner = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{hidden}",
        world.path(),
        hidden.len()
    );
    let head = |framing: &str| {
        format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n{framing}\r\n\r\n",
            world.path(),
            world.address,
            world.token
        )
    };
    for request in [
        format!(
            "{}0\r\n\r\n{inner}",
            head(&format!(
                "content-length: {}\r\ntransfer-encoding: chunked",
                CALL.len()
            ))
        ),
        format!(
            "{}{CALL}",
            head(&format!(
                "content-length: {}\r\ncontent-length: 3",
                CALL.len()
            ))
        ),
        format!("{}{CALL}", head("transfer-encoding: chunked, identity")),
        format!(
            "{}0\r\n\r\n{inner}",
            head("transfer-encoding: \x0bchunked\r\ncontent-length: 5")
        ),
    ] {
        let mut stream = tokio::net::TcpStream::connect(world.address)
            .await
            .expect("connects");
        stream.write_all(request.as_bytes()).await.expect("writes");
        let mut answer = vec![0; 4096];
        let wait = std::time::Duration::from_secs(2);
        let read = tokio::time::timeout(wait, stream.read(&mut answer)).await;
        let text =
            String::from_utf8_lossy(&answer[..read.map_or(0, |n| n.unwrap_or(0))]).into_owned();
        assert!(!text.starts_with("HTTP/1.1 200"), "{text}");
    }
    assert!(
        world
            .seen
            .lock()
            .iter()
            .all(|seen| !seen.body.contains("secret_tool"))
    );
    assert_eq!(world.calls(), 0);
}
