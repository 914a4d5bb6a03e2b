//! What a call does on its way: decided, charged, recorded, forwarded, settled.

use std::time::Duration;

use domain::audit::Outcome;

use super::world::{Plan, SECRET, Say, TEN_A_MINUTE, World, good, json, until};

fn ten() -> Plan {
    Plan {
        policy: Some(TEN_A_MINUTE),
        ..Plan::default()
    }
}

#[tokio::test]
async fn a_call_goes_through_as_it_was_written_and_comes_back_untouched() {
    let mut world = World::new(good).await;
    let body = r#"{ "jsonrpc":"2.0", "id":"x", "method":"tools/call","params":{"name":"get_logs","arguments":{"n":12345678901234567890.10,"z":1,"a":2},"_meta":{"progressToken":1}}}"#;
    let reply = world
        .post(body)
        .header(
            "traceparent",
            &format!("00-{}-{}-01", "a".repeat(32), "b".repeat(16)),
        )
        .send()
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.body,
        r#"{"jsonrpc":"2.0","id":"x","result":{"content":[{"type":"text","text":"done"}],"big":12345678901234567890}}"#
    );
    for (name, value) in [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    {
        let seen = world.seen.lock();
        assert_eq!(seen[0].body, body, "the judged bytes");
        assert!(seen[0].header("traceparent").is_some());
    }
    let decision = world.decisions().await.remove(0);
    assert_eq!(
        reply.header("tollgate-decision"),
        Some(decision.id.to_string().as_str())
    );
    assert_eq!(decision.outcome, Outcome::Allow);
    assert_eq!(decision.tool.as_deref(), Some("get_logs"));
    assert_eq!(
        (decision.server_name.as_str(), decision.grant_label.as_str()),
        ("CircleCI", "ci agent")
    );
    assert_eq!(
        (decision.policy_name.as_deref(), decision.policy_version),
        (Some("reruns"), Some(3))
    );
    assert_eq!(decision.request_bytes, body.len() as u64);
    assert_eq!(
        decision.address,
        Some("127.0.0.1".parse().expect("an address"))
    );
    let settled = world.settlements().await.remove(0);
    assert_eq!(
        (settled.id, settled.settled.as_str(), settled.status),
        (decision.id, "ok", Some(200))
    );
    assert_eq!(settled.response_bytes, reply.body.len() as u64);
    assert!(!settled.given_back);
}

#[tokio::test]
async fn names_written_with_escapes_are_forwarded_plainly() {
    let world = World::new(good).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"m\u0065thod":"tools\/call","params":{"n\u0061me":"get_\u006cogs","arguments":{"x":1.0}}}"#;
    assert_eq!(world.post(body).send().await.status, 200);
    let plain = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","arguments":{"x":1.0}}}"#;
    assert_eq!(world.seen.lock()[0].body, plain);
}

/// Only what the gateway writes goes upstream, with the upstream's own credential; nothing of it
/// comes back.
#[tokio::test]
async fn headers_cross_by_allow_list_alone_in_both_directions() {
    let world = World::new(|seen| {
        let mut headers: Vec<(&'static str, String)> = vec![
            ("content-type", "application/json; charset=utf-8".into()),
            ("set-cookie", "a=b".into()),
            (
                "www-authenticate",
                "Bearer resource_metadata=\"https://evil.example\"".into(),
            ),
            ("location", "https://evil.example".into()),
            ("access-control-allow-origin", "*".into()),
            ("mcp-session-id", "never-outside-initialize".into()),
            (
                "x-debug",
                seen.header("circle-token").unwrap_or_default().into(),
            ),
        ];
        headers.push(("content-security-policy", "default-src *".into()));
        let Say::Now(_, _, body) = good(seen) else {
            unreachable!("it answers")
        };
        Say::Now(200, headers, body)
    })
    .await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs"}}"#;
    let reply = world
        .post(body)
        .header("cookie", "session=secret")
        .header("x-forwarded-for", "1.2.3.4")
        .header("circle-token", "the-agents-own")
        .header("mcp-method", "tools/list")
        .header("mcp-name", "secret_tool")
        .header("mcp-param-x", "1")
        .header("referer", "https://x.example")
        .header("x-http-method-override", "DELETE")
        .send()
        .await;
    assert_eq!(reply.status, 200);
    let seen = world.seen.lock()[0].clone();
    let mut names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "accept-encoding",
            "circle-token",
            "content-length",
            "content-type",
            "host",
            "via"
        ]
    );
    assert_eq!(seen.header("circle-token"), Some(SECRET));
    assert_eq!(
        seen.header("content-length"),
        Some(body.len().to_string().as_str())
    );
    assert_eq!(
        seen.header("accept"),
        Some("application/json, text/event-stream")
    );
    assert!(
        seen.header("host")
            .is_some_and(|host| host.starts_with("127.0.0.1:"))
    );
    for name in [
        "set-cookie",
        "www-authenticate",
        "location",
        "x-debug",
        "mcp-session-id",
        "access-control-allow-origin",
    ] {
        assert_eq!(reply.header(name), None, "{name}");
    }
    assert_eq!(
        reply.header("content-security-policy"),
        Some("default-src 'none'; sandbox")
    );
    assert!(!format!("{reply:?}").contains(SECRET));
}

#[tokio::test]
async fn a_credential_for_another_origin_is_not_sent_there() {
    let mut world = World::new(good).await;
    world.change(|snapshot| {
        let moved = snapshot.servers[0]
            .upstream_url
            .replace("127.0.0.1", "127.0.0.2");
        snapshot.servers[0].upstream_url = moved;
    });
    let reply = world.call("get_logs").await;
    assert!(reply.said().contains("credential"), "{}", reply.body);
    assert_eq!(world.seen.lock().len(), 0);
    assert_eq!(
        world.last().await,
        ("allowed".into(), Some("upstream_credential".into()))
    );
}

#[tokio::test]
async fn the_eleventh_call_is_refused_with_a_reason_a_model_can_read() {
    let mut world = World::with(ten(), good).await;
    for _ in 0..10 {
        assert_eq!(
            world.call("rerun_workflow").await.json()["result"]["content"][0]["text"],
            "done"
        );
    }
    let reply = world.call("rerun_workflow").await;
    assert_eq!(reply.status, 200);
    let said = reply.said();
    assert!(
        said.contains("rerun_workflow") && said.contains("try again in"),
        "{said}"
    );
    let decision = reply.decision();
    assert_eq!(decision["code"], "rate_limited");
    assert_eq!(
        decision["rule"],
        "/tools/rerun_workflow/limits/rerun_workflow_rate"
    );
    assert_eq!(
        decision["decision_id"].as_str(),
        reply.header("tollgate-decision")
    );
    assert!(
        decision["policy"]
            .as_str()
            .is_some_and(|id| id.starts_with("pol_"))
    );
    let wait = decision["retry_after_ms"].as_u64().expect("a wait");
    assert!((1..=61_000).contains(&wait), "{wait}");
    assert!(
        decision["explain_url"]
            .as_str()
            .is_some_and(|url| url.starts_with("http://127.0.0.1:"))
    );
    assert_eq!(world.calls(), 10);
    let decisions = world.decisions().await;
    assert_eq!(decisions.len(), 11);
    assert_eq!(decisions[0].charges[0].left, 9);
    assert_eq!(decisions[9].charges[0].left, 0);
    assert_eq!(
        (decisions[10].code.as_str(), decisions[10].retry_after_ms),
        ("rate_limited", Some(wait))
    );
    assert_eq!(world.settlements().await.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_two_hundred_lets_exactly_ten_through() {
    let mut world = World::with(ten(), good).await;
    let mut lines = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let asks: Vec<_> = (0..10)
            .map(|n| {
                world.post(format!(
                    r#"{{"jsonrpc":"2.0","id":{n},"method":"tools/call","params":{{"name":"rerun_workflow"}}}}"#
                ))
            })
            .collect();
        lines.spawn(async move {
            let mut through = 0;
            for ask in asks {
                through += usize::from(ask.send().await.json()["result"]["isError"].is_null());
            }
            through
        });
    }
    let through: usize = lines.join_all().await.into_iter().sum();
    assert_eq!((through, world.calls()), (10, 10));
    assert_eq!(world.decisions().await.len(), 200);
    assert_eq!(world.settlements().await.len(), 10);
}

#[tokio::test]
async fn hidden_unlisted_and_unknown_tools_get_the_same_bytes_and_a_refresh() {
    let policy = r#"{"version":"1","default":"deny","hide":["secret_tool"],"tools":{"get_*":{}}}"#;
    let mut world = World::with(
        Plan {
            policy: Some(policy),
            ..Plan::default()
        },
        good,
    )
    .await;
    let mut bodies = Vec::new();
    for tool in ["secret_tool", "rerun_workflow", "no_such_tool"] {
        let reply = world.call(tool).await;
        assert_eq!((reply.status, reply.error()), (200, -32602));
        assert_eq!(
            reply.json()["error"]["message"],
            format!("Unknown tool: {tool}")
        );
        assert!(!reply.body.contains("tollgate/decision"));
        bodies.push(reply.body.replace(tool, "X"));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    let codes: Vec<String> = world
        .decisions()
        .await
        .iter()
        .map(|d| d.code.to_string())
        .collect();
    assert_eq!(codes, ["hidden", "default_deny", "unknown_tool"]);
    assert_eq!(world.refreshes.try_recv(), Ok(world.server));
    assert!(
        world.refreshes.try_recv().is_err(),
        "at most every five seconds"
    );
    assert_eq!(world.calls(), 0);
    // Looks unlike a tool, so it is malformed and not unknown.
    assert_eq!(world.call("a b").await.status, 400);
}

#[tokio::test]
async fn a_grant_without_a_policy_or_with_an_unreadable_one_is_told_so() {
    let mut world = World::with(
        Plan {
            policy: None,
            ..Plan::default()
        },
        good,
    )
    .await;
    let reply = world.call("get_logs").await;
    assert!(reply.said().contains("no policy"));
    assert_eq!(reply.decision()["code"], "no_policy");
    let plan = Plan {
        policy: Some(r#"{"version":"9"}"#),
        ..Plan::default()
    };
    let unreadable = World::with(plan, good).await;
    assert_eq!(
        unreadable.call("get_logs").await.decision()["code"],
        "policy_unreadable"
    );
    assert_eq!(world.calls() + unreadable.calls(), 0);
    assert_eq!(world.last().await, ("no_policy".into(), None));
}

#[tokio::test]
async fn arguments_are_judged_as_they_will_be_forwarded() {
    let policy = r#"{"version":"1","default":"deny","tools":{"rerun_workflow":{
        "require":[{"conditions":[{"path":"args.params.workflowId","op":"regex","value":"^[0-9a-f-]{36}$"}],"on_deny":"workflowId must be a UUID."}]}}}"#;
    let world = World::with(
        Plan {
            policy: Some(policy),
            ..Plan::default()
        },
        good,
    )
    .await;
    let call = |arguments: &str| {
        world.post(format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"rerun_workflow","arguments":{arguments}}}}}"#
        ))
    };
    let good = r#"{"params":{"workflowId":"8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11"}}"#;
    assert!(call(good).send().await.json()["result"]["isError"].is_null());
    for bad in [
        "{}",
        r#"{"params":{"workflowId":"x/../8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11"}}"#,
        r#"{"params":{"workflowId":7}}"#,
        r#"{"params":"{}"}"#,
    ] {
        let reply = call(bad).send().await;
        assert_eq!(reply.said(), "workflowId must be a UUID.", "{bad}");
        assert_eq!(reply.decision()["rule"], "/tools/rerun_workflow/require/0");
    }
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn calls_that_ask_for_a_task_get_an_error_and_never_a_result() {
    let mut world = World::new(good).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","task":{"ttl":1}}}"#;
    let reply = world.post(body).send().await;
    assert_eq!((reply.status, reply.error()), (200, -31001));
    assert_eq!(reply.json()["error"]["data"]["code"], "method_refused");
    for method in [
        "tasks/list",
        "tasks/get",
        "tasks/result",
        "tasks/cancel",
        "subscriptions/listen",
        "sampling/createMessage",
        "x/y",
    ] {
        let reply = world
            .post(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#))
            .send()
            .await;
        assert_eq!((reply.status, reply.error()), (200, -32601), "{method}");
    }
    assert_eq!(world.seen.lock().len(), 0);
    assert_eq!(world.last().await.0, "method_refused");
}

#[tokio::test]
async fn other_methods_need_a_default_of_allow_and_share_a_rate() {
    let ask = |world: &World, method: &str| {
        world.post(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#))
    };
    let strict = World::with(ten(), good).await;
    for method in [
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/read",
        "completion/complete",
    ] {
        assert_eq!(
            ask(&strict, method).send().await.error(),
            -32601,
            "{method}"
        );
    }
    let mut world = World::new(good).await;
    for method in ["prompts/list", "resources/read", "ping"] {
        assert_eq!(ask(&world, method).send().await.error(), 0, "{method}");
    }
    // Without a session there is no level to set.
    assert_eq!(ask(&world, "logging/setLevel").send().await.error(), -32601);
    let mut last = None;
    for _ in 0..598 {
        last = Some(ask(&world, "ping").send().await);
    }
    let last = last.expect("asked");
    assert_eq!((last.status, last.error()), (200, -31001));
    assert_eq!(last.json()["error"]["data"]["code"], "too_many_requests");
    assert_eq!(world.last().await.0, "too_many_requests");
    let note = world
        .post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        .send()
        .await;
    assert_eq!(note.status, 429, "a notification has no other answer");
    assert!(note.header("retry-after").is_some());
    assert_eq!(
        world.call("get_logs").await.error(),
        0,
        "calls have limits of their own"
    );
}

#[tokio::test]
async fn notifications_come_from_a_closed_list() {
    let world = World::new(good).await;
    let note = |method: &str| {
        world.post(format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/{method}"}}"#
        ))
    };
    let reply = note("initialized").send().await;
    assert_eq!((reply.status, reply.body.as_str()), (202, ""));
    for method in [
        "cancelled",
        "progress",
        "tools/list_changed",
        "tasks/status",
        "x",
    ] {
        let reply = note(method).send().await;
        assert_eq!((reply.status, reply.error()), (400, -32601), "{method}");
    }
    assert_eq!(world.seen.lock().len(), 1);
}

/// In the session era a client that goes away cancels nothing; the outcome is on record all the
/// same.
#[tokio::test]
async fn a_lost_client_does_not_lose_the_outcome() {
    let mut world = World::new(|seen| {
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"content":[],"isError":true}}}}"#,
            seen.id()
        );
        Say::Pieces("application/json", vec![(400, answer)])
    })
    .await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs"}}"#;
    let client = world.post(body).open().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(client);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(
        world.last().await,
        ("allowed".into(), Some("tool_error".into()))
    );
}

#[tokio::test]
async fn a_lost_client_does_not_lose_a_large_or_streamed_outcome() {
    let padding = "x".repeat(600 << 10);
    let mut world = World::new(move |seen| {
        let id = seen.id();
        if seen.body.contains("get_logs") {
            let first = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{padding}"#);
            Say::Pieces("application/json", vec![(0, first), (500, r#""}],"isError":true}}"#.into())])
        } else {
            let first = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n".to_owned();
            let last = format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}\n\n");
            Say::Pieces("text/event-stream", vec![(0, first), (500, last)])
        }
    })
    .await;
    for (tool, outcome) in [("get_logs", "tool_error"), ("rerun_workflow", "ok")] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#
        );
        let mut client = world.post(body).open().await;
        let head = until(&mut client, "\r\n\r\n", Duration::from_secs(2)).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        drop(client);
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(world.last().await.1.as_deref(), Some(outcome), "{tool}");
    }
}

#[tokio::test]
async fn a_large_answer_streams_through_untouched_and_is_settled() {
    let padding = "y".repeat(3 << 20);
    let mut world = World::new(move |seen| {
        json(format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"content":[{{"type":"text","text":"{padding}"}}],"isError":true}}}}"#, seen.id()))
    })
    .await;
    let reply = world.call("get_logs").await;
    assert_eq!(
        reply.json()["result"]["content"][0]["text"]
            .as_str()
            .map(str::len),
        Some(3 << 20)
    );
    assert_eq!(world.last().await.1.as_deref(), Some("tool_error"));
    assert_eq!(
        world.settlements().await[0].response_bytes,
        reply.body.len() as u64
    );
}

/// The head is sent when a stream begins, so what goes wrong later is said in its place on the
/// stream, as a result that the model reads.
#[tokio::test]
async fn what_goes_wrong_on_a_stream_is_said_on_it() {
    for (what, piece, code) in [
        ("an end", ": hi\n\n", "upstream_invalid"),
        (
            "more input",
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"input_required\"}}\n\n",
            "upstream_invalid",
        ),
        (
            "both",
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}\n\n",
            "upstream_invalid",
        ),
    ] {
        let world =
            World::new(move |_| Say::Pieces("text/event-stream", vec![(0, piece.to_owned())]))
                .await;
        let reply = world.call("get_logs").await;
        let last = reply.events().pop().expect(what);
        let last: serde_json::Value = serde_json::from_str(&last).expect("JSON");
        assert_eq!(
            (&last["id"], &last["result"]["isError"]),
            (&1.into(), &true.into()),
            "{what}"
        );
        assert_eq!(
            last["result"]["_meta"]["tollgate/decision"]["code"], code,
            "{what}"
        );
    }
}
