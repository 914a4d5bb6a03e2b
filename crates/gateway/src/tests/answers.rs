//! The table of answers: what each failure beyond the gateway looks like to a client.

use std::time::Duration;

use limits::Limiter;

use super::world::{Plan, Say, TEN_A_MINUTE, World, good, json, status};

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;

fn quick() -> Plan {
    Plan {
        first_byte: Duration::from_millis(300),
        silence: Duration::from_millis(300),
        ..Plan::default()
    }
}

/// Rubbish, in each form it was seen in.
#[tokio::test]
async fn an_upstream_that_answers_rubbish_becomes_a_result_or_a_502() {
    let html = |status: u16| {
        Say::Now(
            status,
            vec![("content-type", "text/html".into())],
            "<p>hi</p>".into(),
        )
    };
    let cases: Vec<(&str, Say)> = vec![
        ("HTML", html(200)),
        ("no content type", Say::Now(200, vec![], "{}".into())),
        ("text that says it is JSON", json("lol")),
        (
            "half an object",
            json(r#"{"jsonrpc":"2.0","id":1,"result":{"#),
        ),
        (
            "an array",
            json(r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#),
        ),
        ("an empty body", json("")),
        (
            "another id",
            json(r#"{"jsonrpc":"2.0","id":99,"result":{}}"#),
        ),
        (
            "a request",
            json(r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}"#),
        ),
        (
            "both",
            json(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#),
        ),
        ("neither", json(r#"{"jsonrpc":"2.0","id":1}"#)),
        ("accepted", Say::Now(202, vec![], String::new())),
        (
            "a redirect",
            Say::Now(
                307,
                vec![("location", "http://127.0.0.1:1/".into())],
                String::new(),
            ),
        ),
        (
            "a redirect elsewhere",
            Say::Now(
                302,
                vec![("location", "https://evil.example/".into())],
                String::new(),
            ),
        ),
        ("a 500 in HTML", html(500)),
        ("a 404 in HTML", html(404)),
        (
            "a 400 that is not JSON-RPC",
            status(400, r#"{"message":"no"}"#),
        ),
        (
            "more input",
            json(
                r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{}}}"#,
            ),
        ),
        (
            "a task",
            json(r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"task","task":{}}}"#),
        ),
    ];
    for (what, say) in cases {
        let mut world = World::new(move |_| say.clone()).await;
        let reply = world.call("get_logs").await;
        assert_eq!(reply.status, 200, "{what}: {reply:?}");
        assert!(reply.said().contains("CircleCI"), "{what}");
        assert_eq!(reply.decision()["code"], "upstream_invalid", "{what}");
        assert!(
            !reply.body.contains("<p>") && !reply.body.contains("evil"),
            "{what}"
        );
        assert_eq!(
            world.last().await,
            ("allowed".into(), Some("upstream_invalid".into())),
            "{what}"
        );
        if what.contains("id") || what == "accepted" {
            continue;
        }
        let reply = world.post(PING).send().await;
        assert_eq!((reply.status, reply.error()), (502, -32603), "{what}");
        assert_eq!(reply.json()["error"]["data"]["source"], "upstream");
        assert_eq!(reply.json()["id"], 7);
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_costs_nothing() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/mcp", unused.local_addr().expect("an address"));
    drop(unused);
    let plan = Plan {
        policy: Some(TEN_A_MINUTE),
        upstream_url: Some(url),
        ..Plan::default()
    };
    let mut world = World::with(plan, good).await;
    for _ in 0..30 {
        let reply = world.call("rerun_workflow").await;
        assert_eq!(
            reply.decision()["code"],
            "upstream_unreachable",
            "{}",
            reply.body
        );
        assert!(reply.said().contains("could not be reached"));
    }
    let settled = world.settlements().await;
    assert_eq!(settled.len(), 30);
    assert!(settled.iter().all(|s| s.given_back && s.status.is_none()));
    let reply = world.post(PING).send().await;
    assert_eq!((reply.status, reply.error()), (502, -32603));
}

#[tokio::test]
async fn addresses_that_may_not_be_dialled_are_not_named() {
    for url in [
        "http://10.1.2.3/mcp",
        "http://169.254.169.254/latest",
        "https://nowhere.invalid/mcp",
        "ftp://x/",
        "not a url",
    ] {
        let plan = Plan {
            upstream_url: Some(url.into()),
            ..quick()
        };
        let mut world = World::with(plan, good).await;
        let reply = world.call("get_logs").await;
        assert_eq!(
            reply.decision()["code"],
            "upstream_unreachable",
            "{url}: {}",
            reply.body
        );
        assert!(
            !reply.body.contains("10.1.2.3") && !reply.body.contains("169.254"),
            "{}",
            reply.body
        );
        assert_eq!(
            world.last().await.1.as_deref(),
            Some("upstream_unreachable")
        );
    }
}

#[tokio::test]
async fn an_upstream_that_never_answers_is_a_time_out_whose_outcome_is_unknown() {
    let plan = Plan {
        policy: Some(TEN_A_MINUTE),
        ..quick()
    };
    let mut world = World::with(plan, |_| Say::Nothing).await;
    let reply = world.call("rerun_workflow").await;
    assert_eq!(reply.decision()["code"], "upstream_timeout");
    assert!(reply.said().contains("do not simply repeat it"));
    assert_eq!(world.last().await.1.as_deref(), Some("upstream_timeout"));
    assert!(!world.settlements().await[0].given_back, "it may have run");
    let reply = world.post(PING).send().await;
    assert_eq!((reply.status, reply.error()), (504, -32603));
    // Silence in the middle of a small answer, and of a stream.
    let half = r#"{"jsonrpc":"2.0","#.to_owned();
    let mut world = World::with(quick(), move |_| {
        Say::Slow("application/json", vec![(0, half.clone())])
    })
    .await;
    assert_eq!(
        world.call("get_logs").await.decision()["code"],
        "upstream_timeout"
    );
    assert_eq!(world.last().await.1.as_deref(), Some("upstream_timeout"));
    let mut world = World::with(quick(), move |_| {
        Say::Slow("text/event-stream", vec![(0, ": hi\n\n".into())])
    })
    .await;
    assert_eq!(world.call("get_logs").await.status, 200);
    assert_eq!(world.last().await.1.as_deref(), Some("upstream_timeout"));
}

#[tokio::test]
async fn a_refused_credential_is_named_and_never_relayed() {
    for code in [401, 403] {
        let plan = Plan {
            policy: Some(TEN_A_MINUTE),
            ..Plan::default()
        };
        let mut world = World::with(plan, move |_| {
            let challenge = "Bearer resource_metadata=\"https://evil.example\"".to_owned();
            Say::Now(
                code,
                vec![
                    ("content-type", "application/json".into()),
                    ("www-authenticate", challenge),
                ],
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"bad"}}"#.into(),
            )
        })
        .await;
        let reply = world.call("rerun_workflow").await;
        assert_eq!(reply.status, 200);
        assert!(
            reply.said().contains(&format!("HTTP {code}")) && reply.said().contains("credential")
        );
        assert_eq!(reply.decision()["code"], "upstream_credential");
        assert_eq!(reply.header("www-authenticate"), None);
        let settled = world.settlements().await.remove(0);
        assert_eq!(
            (settled.settled.as_str(), settled.given_back),
            ("upstream_credential", true)
        );
        assert_eq!(world.post(PING).send().await.status, 502);
    }
}

#[tokio::test]
async fn an_upstreams_own_errors_come_through_as_they_were() {
    for (code, rpc, given_back) in [
        (200, -32602, false),
        (200, -32601, true),
        (400, -32600, false),
        (404, -32601, true),
        (413, -32000, true),
        (415, -32000, true),
        (429, -32000, true),
        (500, -32603, false),
        (503, -32000, false),
    ] {
        let body = format!(
            r#"{{"jsonrpc":"2.0", "id":1,"error":{{"code":{rpc},"message":"mine","data":{{"x":1.10}}}}}}"#
        );
        let said = body.clone();
        let plan = Plan {
            policy: Some(TEN_A_MINUTE),
            ..Plan::default()
        };
        let mut world = World::with(plan, move |_| status(code, said.clone())).await;
        let reply = world.call("rerun_workflow").await;
        assert_eq!((reply.status, &reply.body), (code, &body));
        let settled = world.settlements().await.remove(0);
        assert_eq!(
            (settled.settled.as_str(), settled.given_back, settled.status),
            ("rpc_error", given_back, Some(code)),
            "{code} {rpc}"
        );
    }
}

/// An upstream can lie: of calls that were sent at most `max` a window are given back.
#[tokio::test]
async fn an_upstream_that_says_nothing_ran_is_not_believed_for_ever() {
    let plan = Plan {
        policy: Some(TEN_A_MINUTE),
        ..Plan::default()
    };
    let world = World::with(plan, |_| status(429, "slow down")).await;
    let mut sent = 0;
    for _ in 0..40 {
        sent += usize::from(
            world.call("rerun_workflow").await.decision()["code"] == "upstream_invalid",
        );
    }
    assert_eq!((sent, world.calls()), (20, 20));
}

/// A counter store that cannot be reached: refused, or let through and said so, by the server's own
/// setting.
#[tokio::test]
async fn limits_that_cannot_be_checked_refuse_unless_the_server_is_set_to_go_on() {
    let socket = tempfile::tempdir().expect("a folder");
    let path = socket.path().join("redis.sock");
    let start = || {
        std::process::Command::new("redis-server")
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--unixsocket",
            ])
            .arg(&path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("redis-server starts")
    };
    for fail_open in [false, true] {
        let mut redis = start();
        let url = format!("redis+unix://{}", path.display());
        let limiter = limits::Redis::connect(&url).await.expect("a good URL");
        // Connecting does not wait for a server that is only just starting.
        for _ in 0..100 {
            if limits::Buckets::ping(&limiter).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let limiter = Limiter::Redis(limiter);
        let plan = Plan {
            policy: Some(TEN_A_MINUTE),
            limiter,
            fail_open,
            ..Plan::default()
        };
        let mut world = World::with(plan, good).await;
        assert!(world.call("rerun_workflow").await.json()["result"]["isError"].is_null());
        redis.kill().expect("killed");
        redis.wait().expect("gone");
        let reply = world.call("rerun_workflow").await;
        let last = world.decisions().await.pop().expect("a decision");
        if fail_open {
            assert!(reply.json()["result"]["isError"].is_null());
            assert!(last.failed_open && last.charges.is_empty());
        } else {
            assert!(reply.said().contains("Limits cannot be checked"));
            assert_eq!(reply.decision()["retryable"], true);
            assert_eq!(last.code.as_str(), "limits_unavailable");
            assert_eq!(world.calls(), 1);
            let ping = world.post(PING).send().await;
            assert_eq!((ping.status, ping.error()), (200, -31001));
        }
        std::fs::remove_file(&path).ok();
    }
}

#[tokio::test]
async fn nothing_is_forwarded_that_could_not_be_recorded() {
    let plan = Plan {
        policy: Some(TEN_A_MINUTE),
        ..Plan::default()
    };
    let world = World::with(plan, good).await;
    assert!(world.call("rerun_workflow").await.json()["result"]["isError"].is_null());
    world.break_the_spool();
    let reply = world.call("rerun_workflow").await;
    assert!(
        reply.said().contains("audit log cannot be written"),
        "{}",
        reply.body
    );
    assert_eq!(reply.decision()["code"], "audit_unavailable");
    assert_eq!(reply.decision()["retryable"], true);
    assert_eq!(world.calls(), 1);
}
