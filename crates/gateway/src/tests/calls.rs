//! What is decided of a call, charged for it and said about it.

use super::world::{Plan, TEN_A_MINUTE, World, good};

fn ten() -> Plan {
    Plan {
        policy: Some(TEN_A_MINUTE),
        ..Plan::default()
    }
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
