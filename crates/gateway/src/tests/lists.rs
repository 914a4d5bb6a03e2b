//! `tools/list` on its way back.

use super::world::{Plan, Say, World, json, status, tool};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const PAGE: &str = r#"{"tools":[{"name":"get_logs","x-vendor":1.10,"inputSchema":{"type":"object","properties":{"r":{"x-mcp-header":"R"}}}}, {"name":"secret_tool"},{"name":"rerun_workflow"}],"nextCursor":"c2","vendor":{"b":1,"a":2}}"#;
const FILTERED: &str = r#"{"tools":[{"name":"get_logs","x-vendor":1.10,"inputSchema":{"type":"object","properties":{"r":{"x-mcp-header":"R"}}}},{"name":"rerun_workflow"}],"nextCursor":"c2","vendor":{"b":1,"a":2}}"#;

fn page(result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#)
}

#[tokio::test]
async fn a_list_shows_what_the_policy_shows_and_keeps_the_rest_as_it_was() {
    let mut world = World::new(|_| json(page(PAGE))).await;
    let reply = world.post(LIST).send().await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (200, page(FILTERED).as_str())
    );
    assert_eq!(world.last().await, ("allowed".into(), Some("ok".into())));
    assert!(world.refreshes.try_recv().is_err(), "nothing new");
}

/// As events, however they are cut: CR, LF, CRLF, many `data` lines, no blank after the colon, a
/// byte-order mark, a missing end, other events around it.
#[tokio::test]
async fn a_list_as_events_is_filtered_however_it_is_cut() {
    let message = page(PAGE);
    let (first, second) = message.split_at(message.find(", {").expect("there") + 1);
    for (what, stream) in [
        ("LF", format!("event: message\ndata: {message}\n\n")),
        ("CR", format!("event: message\rdata: {message}\r\r")),
        ("CRLF", format!("event: message\r\ndata: {message}\r\n\r\n")),
        ("two lines", format!("data: {first}\ndata: {second}\n\n")),
        (
            "two lines in CRLF",
            format!("data:{first}\r\ndata:{second}\r\n\r\n"),
        ),
        ("a mark before it", format!("\u{FEFF}data: {message}\n\n")),
        ("no end", format!("data: {message}")),
        ("one line break", format!("data: {message}\n")),
        ("comments", format!(": hi\n\n:\ndata: {message}\n: x\n\n")),
        (
            "another before it",
            format!(
                "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{}}}}\n\ndata: {message}\n\n"
            ),
        ),
        (
            "another type beside it",
            format!("event: evil\ndata: {message}\n\ndata: {message}\n\n"),
        ),
        (
            "another id beside it",
            format!(
                "data: {}\n\ndata: {message}\n\n",
                message.replace("\"id\":1", "\"id\":2")
            ),
        ),
    ] {
        for size in [1, 7, 100_000] {
            let pieces: Vec<(u64, String)> = stream
                .chars()
                .collect::<Vec<_>>()
                .chunks(size)
                .map(|piece| (0, piece.iter().collect()))
                .collect();
            let mut world =
                World::new(move |_| Say::Pieces("text/event-stream", pieces.clone())).await;
            let reply = world.post(LIST).send().await;
            assert!(
                !reply.body.contains("secret_tool"),
                "{what}/{size}: {}",
                reply.body
            );
            let events = reply.events();
            assert_eq!(events.last(), Some(&page(FILTERED)), "{what}/{size}");
            assert_eq!(world.last().await.1.as_deref(), Some("ok"), "{what}/{size}");
        }
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_not_relayed() {
    let many = format!(
        r#"{{"tools":[{}]}}"#,
        vec![r#"{"name":"get_logs"}"#; 10_001].join(",")
    );
    for (what, result) in [
        ("no list", r#"{"tool":[]}"#.to_owned()),
        ("an object", r#"{"tools":{"secret_tool":{}}}"#.into()),
        (
            "a tool without a name",
            r#"{"tools":[{"title":"secret_tool"}]}"#.into(),
        ),
        (
            "a name that is a number",
            r#"{"tools":[{"name":7,"x":"secret_tool"}]}"#.into(),
        ),
        (
            "a second list",
            r#"{"tools":[],"Tools":[{"name":"secret_tool"}]}"#.into(),
        ),
        (
            "a duplicate list",
            r#"{"tools":[],"tools":[{"name":"secret_tool"}]}"#.into(),
        ),
        (
            "a duplicate name",
            r#"{"tools":[{"name":"get_logs","name":"secret_tool"}]}"#.into(),
        ),
        ("too many", many),
    ] {
        let message = page(&result);
        let said = message.clone();
        let mut world = World::new(move |_| json(said.clone())).await;
        let reply = world.post(LIST).send().await;
        assert_eq!((reply.status, reply.error()), (502, -32603), "{what}");
        assert!(!reply.body.contains("secret_tool"), "{what}");
        assert_eq!(
            world.last().await.1.as_deref(),
            Some("upstream_invalid"),
            "{what}"
        );

        let stream = format!("data: {message}\n\n");
        let world =
            World::new(move |_| Say::Pieces("text/event-stream", vec![(0, stream.clone())])).await;
        let reply = world.post(LIST).send().await;
        assert!(!reply.body.contains("secret_tool"), "{what} as an event");
        let last = reply.events().pop().expect("an event");
        let last: serde_json::Value = serde_json::from_str(&last).expect("JSON");
        assert_eq!(
            (&last["id"], &last["error"]["code"]),
            (&1.into(), &(-32603).into()),
            "{what}"
        );
    }
}

#[tokio::test]
async fn an_empty_list_says_why() {
    let notice = |reply: &super::world::Reply| {
        let json = reply.json();
        assert_eq!(json["result"]["tools"], serde_json::json!([]));
        json["result"]["_meta"]["tollgate/notice"]
            .as_str()
            .map(str::to_owned)
    };
    let bare = r#"{"tools":[{"name":"get_logs"}],"_meta":{"own":1}}"#;
    let world = World::with(
        Plan {
            policy: None,
            ..Plan::default()
        },
        move |_| json(page(bare)),
    )
    .await;
    let reply = world.post(LIST).send().await;
    assert!(notice(&reply).expect("a notice").contains("no policy"));
    assert_eq!(reply.json()["result"]["_meta"]["own"], 1);

    let none = r#"{"version":"1","default":"deny"}"#;
    let world = World::with(
        Plan {
            policy: Some(none),
            ..Plan::default()
        },
        |_| json(page(r#"{"tools":[{"name":"get_logs"}]}"#)),
    )
    .await;
    assert!(
        notice(&world.post(LIST).send().await)
            .expect("a notice")
            .contains("reruns")
    );

    // An emptied page that has another behind it is no empty list.
    let world = World::with(
        Plan {
            policy: Some(none),
            ..Plan::default()
        },
        |_| json(page(PAGE)),
    )
    .await;
    let reply = world.post(LIST).send().await;
    assert_eq!(notice(&reply), None);
    assert_eq!(reply.json()["result"]["nextCursor"], "c2");
}

#[tokio::test]
async fn a_tool_that_the_inventory_does_not_have_is_not_shown_and_asked_about() {
    let plan = Plan {
        tools: Some(vec![tool("get_logs")]),
        ..Plan::default()
    };
    let mut world = World::with(plan, |_| {
        json(page(
            r#"{"tools":[{"name":"get_logs"},{"name":"brand_new"}]}"#,
        ))
    })
    .await;
    let reply = world.post(LIST).send().await;
    assert_eq!(reply.body, page(r#"{"tools":[{"name":"get_logs"}]}"#));
    assert_eq!(world.refreshes.try_recv(), Ok(world.server));
}

#[tokio::test]
async fn an_error_instead_of_a_list_comes_through() {
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"bad cursor"}}"#;
    let mut world = World::new(move |_| status(200, error)).await;
    let reply = world.post(LIST).send().await;
    assert_eq!((reply.status, reply.body.as_str()), (200, error));
    assert_eq!(world.last().await.1.as_deref(), Some("rpc_error"));
}
