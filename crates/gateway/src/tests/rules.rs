//! What the parts of a policy do on the way of a call: shadow, classes, sizes of results.

use domain::{
    ToolClass,
    audit::{Code, Shadow},
};
use limits::{Limiter, Redis};

use super::world::{Plan, Reply, Say, Seen, World, good, json};

fn plan(policy: &'static str) -> Plan {
    Plan {
        policy: Some(policy),
        ..Plan::default()
    }
}

fn hit(code: Code, rule: &str) -> Shadow {
    Shadow {
        code,
        rule: rule.into(),
    }
}

const SHADOW: &str = r#"{"version":"1","default":"allow","tools":{"rerun_workflow":{
    "deny_if":[{"conditions":[],"mode":"shadow"}],
    "limits":[{"counter":"tried","window":"minute","max":1,"mode":"shadow"},
              {"counter":"kept","window":"minute","max":3}]}}}"#;
const CHECK: &str = "/tools/rerun_workflow/deny_if/0";
const TRIED: &str = "/tools/rerun_workflow/limits/tried";

#[tokio::test]
async fn shadow_is_recorded_on_what_is_let_through_and_on_what_is_refused() {
    let mut world = World::with(plan(SHADOW), good).await;
    for _ in 0..4 {
        world.call("rerun_workflow").await;
    }
    world.call("get_logs").await;
    assert_eq!(world.calls(), 4);
    let decisions = world.decisions().await;
    let (check, tried) = (hit(Code::DenyIf, CHECK), hit(Code::RateLimited, TRIED));
    assert_eq!(decisions[0].shadow, std::slice::from_ref(&check));
    assert_eq!(decisions[1].shadow, [check.clone(), tried.clone()]);
    assert_eq!(
        (decisions[3].code, &decisions[3].shadow[..]),
        (Code::RateLimited, &[check, tried][..])
    );
    assert_eq!(decisions[4].shadow, []);
    // A limit in shadow is charged where it has a token, and is on record then.
    let charged = |at: usize| -> Vec<_> {
        let charges = decisions[at].charges.iter();
        charges
            .map(|charge| (charge.counter.as_str(), charge.left))
            .collect()
    };
    assert_eq!(charged(0), [("tried", 0), ("kept", 2)]);
    assert_eq!(charged(1), [("kept", 1)]);
    assert_eq!(charged(3), [("kept", 0)]);
}

/// A document can have hundreds of rules in shadow; the record of a call stays small.
#[tokio::test]
async fn the_record_of_shadow_is_bounded() {
    let check = r#"{"conditions":[],"mode":"shadow"}"#;
    let checks = vec![check; 64].join(",");
    let policy =
        format!(r#"{{"version":"1","default":"allow","all_tools":{{"deny_if":[{checks}]}}}}"#);
    let mut world = World::with(plan(policy.leak()), good).await;
    assert_eq!(
        world.call("get_logs").await.json()["result"]["isError"],
        serde_json::Value::Null
    );
    let decision = world.decisions().await.pop().expect("one");
    assert_eq!(decision.shadow.len(), domain::audit::SHADOW_MAX);
    assert_eq!(decision.shadow[31].rule, "/all_tools/deny_if/31");
}

/// A store that is out of reach refuses for limits that are enforced, and never for shadow.
#[tokio::test]
async fn a_limit_in_shadow_refuses_nothing_while_limits_cannot_be_checked() {
    const ALONE: &str = r#"{"version":"1","default":"allow","tools":{"rerun_workflow":{
        "limits":[{"counter":"tried","window":"minute","max":1,"mode":"shadow"}]}}}"#;
    for (policy, fail_open, code, shadow) in [
        (
            ALONE,
            false,
            Code::Allowed,
            vec![hit(Code::LimitsUnavailable, TRIED)],
        ),
        (ALONE, true, Code::Allowed, vec![]),
        (
            SHADOW,
            false,
            Code::LimitsUnavailable,
            vec![hit(Code::DenyIf, CHECK)],
        ),
    ] {
        let nowhere = Redis::connect("redis://127.0.0.1:1").await.expect("a URL");
        let plan = Plan {
            limiter: Limiter::Redis(nowhere),
            fail_open,
            ..plan(policy)
        };
        let mut world = World::with(plan, good).await;
        world.call("rerun_workflow").await;
        let decision = world.decisions().await.pop().expect("one");
        assert_eq!(
            (decision.code, decision.shadow, decision.failed_open),
            (code, shadow, false)
        );
    }
}

/// What the gateway does not enforce yet is never taken for enforced, whoever published it.
#[tokio::test]
async fn a_policy_that_asks_for_more_than_is_enforced_is_not_read() {
    for block in [
        r#"{"approval":{}}"#,
        r#"{"action":"require_approval"}"#,
        r#"{"concurrent":{"max":1}}"#,
        r#"{"limits":[{"counter":"c","window":"minute","max":1,"per":"args.a"}]}"#,
        r#"{"limits":[{"counter":"c","window":"minute","max":1,"cost":"args.a"}]}"#,
        r#"{"limits":[{"counter":"c","window":"minute","max":1,"scope":"org"}]}"#,
        r#"{"limits":[{"counter":"c","window":"minute","max":1,"refill":"steady"}]}"#,
    ] {
        let policy = format!(r#"{{"version":"1","default":"allow","tools":{{"get_*":{block}}}}}"#);
        let mut world = World::with(plan(policy.leak()), good).await;
        let reply = world.call("get_logs").await;
        assert_eq!(reply.decision()["code"], "policy_unreadable", "{block}");
        assert_eq!(world.calls(), 0, "{block}");
        assert_eq!(world.last().await.0, "policy_unreadable");
    }
    let held = r#"{"version":"1","default":"allow","all_tools":{"approval":{"mode":"shadow"}}}"#;
    let mut world = World::with(plan(held), good).await;
    world.call("get_logs").await;
    let decision = world.decisions().await.pop().expect("one");
    assert_eq!(decision.code, Code::Allowed);
    assert_eq!(
        decision.shadow,
        [hit(Code::ApprovalRequired, "/all_tools/approval")]
    );
}

#[tokio::test]
async fn a_class_that_is_corrected_counts_from_the_next_call_on() {
    const CLASSES: &str = r#"{"version":"1","default":"deny","classes":{
        "read":{},"destructive":{"action":"deny","reason":"Deletes are done by people."}}}"#;
    let mut world = World::with(plan(CLASSES), good).await;
    let classed = |world: &mut World, class| {
        world.change(|snapshot| {
            let tools = snapshot.servers[0].inventory.take().expect("an inventory");
            let mut tools = tools.to_vec();
            tools[1].class = class;
            snapshot.servers[0].inventory = Some(tools.into());
        });
    };
    classed(&mut world, Some(ToolClass::Read));
    assert!(world.call("get_logs").await.json()["result"]["isError"].is_null());
    classed(&mut world, Some(ToolClass::Destructive));
    let reply = world.call("get_logs").await;
    assert_eq!(reply.decision()["rule"], "/classes/destructive/action");
    assert_eq!(reply.said(), "Deletes are done by people.");
    // A class that no block is for, and no class at all, which could be any.
    classed(&mut world, Some(ToolClass::Write));
    assert_eq!(world.call("get_logs").await.json()["error"]["code"], -32602);
    classed(&mut world, None);
    assert_eq!(world.call("get_logs").await.decision()["code"], "denied");
    assert_eq!(world.calls(), 1);
}

const AT_MOST_100: &str = r#"{"version":"1","default":"allow",
    "all_tools":{"max_result_bytes":100,"rate_limit":{"max":50,"window":"minute"}}}"#;

/// A result whose JSON text is so many bytes long.
fn result(bytes: usize) -> String {
    let empty = r#"{"content":[{"type":"text","text":""}]}"#;
    let filler = "x".repeat(bytes - empty.len());
    empty.replace(r#""text":"""#, &format!(r#""text":"{filler}""#))
}

fn withheld(reply: &Reply) {
    assert_eq!(reply.status, 200);
    let decision = reply.decision();
    assert_eq!(decision["code"], "result_too_large");
    assert_eq!(decision["rule"], "/all_tools/max_result_bytes");
    assert!(
        reply.said().contains("larger than the 100 bytes"),
        "{}",
        reply.said()
    );
    assert!(!reply.body.contains("xxx"), "{}", reply.body);
}

#[tokio::test]
async fn a_json_result_is_held_to_its_size_to_the_byte() {
    for (bytes, fits) in [(100, true), (101, false), (70_000, false), (3 << 20, false)] {
        let script = move |_: &Seen| -> Say {
            json(format!(
                "{{ \"jsonrpc\":\"2.0\", \"id\":1 , \"result\": {} }}",
                result(bytes)
            ))
        };
        let mut world = World::with(plan(AT_MOST_100), script).await;
        let reply = world.call("get_logs").await;
        if fits {
            assert!(reply.json()["result"]["isError"].is_null(), "{bytes}");
        } else {
            withheld(&reply);
        }
        let settled = world.settlements().await.pop().expect("an outcome");
        let expected = if fits { "ok" } else { "result_too_large" };
        assert_eq!(
            (settled.settled.as_str(), settled.given_back),
            (expected, false),
            "{bytes}"
        );
        let charge = &world.decisions().await[0].charges[0];
        assert_eq!(charge.left, 49, "the call ran");
    }
}

/// An error is as long as a result can be.
#[tokio::test]
async fn an_error_is_held_to_the_same_size() {
    let script = |_: &Seen| -> Say {
        let text = "x".repeat(200);
        json(format!(
            r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":-32000,"message":"{text}"}}}}"#
        ))
    };
    let mut world = World::with(plan(AT_MOST_100), script).await;
    withheld(&world.call("get_logs").await);
    assert_eq!(world.last().await.1.as_deref(), Some("result_too_large"));
}

fn events(text: &str) -> Vec<serde_json::Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).expect("no event is cut"))
        .collect()
}

/// What came before the result has passed; the result itself never does, however it is cut.
#[tokio::test]
async fn a_streamed_result_is_held_to_its_size() {
    let note = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;
    for (bytes, fits) in [(100, true), (101, false), (3 << 20, false)] {
        let script = move |_: &Seen| -> Say {
            let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#, result(bytes));
            let (head, tail) = answer.split_at(answer.len() / 2);
            let pieces = [
                format!("data: {note}\n\n"),
                format!("data: {head}"),
                format!("{tail}\n\n"),
            ];
            Say::Pieces("text/event-stream", pieces.map(|piece| (5, piece)).to_vec())
        };
        let mut world = World::with(plan(AT_MOST_100), script).await;
        let reply = world.call("get_logs").await;
        let events = events(&reply.body);
        assert_eq!(events.len(), 2, "{}", reply.body);
        assert_eq!(events[0]["method"], "notifications/progress");
        let decision = &events[1]["result"]["_meta"]["tollgate/decision"];
        if fits {
            assert!(decision.is_null());
        } else {
            assert_eq!(events[1]["id"], 1);
            assert_eq!(events[1]["result"]["isError"], true);
            assert_eq!(decision["code"], "result_too_large");
            assert_eq!(decision["rule"], "/all_tools/max_result_bytes");
            assert!(!reply.body.contains("xxx"));
        }
        let settled = world.settlements().await.pop().expect("an outcome");
        let expected = if fits { "ok" } else { "result_too_large" };
        assert_eq!(
            (settled.settled.as_str(), settled.given_back),
            (expected, false),
            "{bytes}"
        );
    }
}

/// Hanging up and asking for the rest is no way to what would have been withheld.
#[tokio::test]
async fn a_stream_that_is_picked_up_again_is_held_to_the_same_size() {
    let script = |seen: &Seen| -> Say {
        let event = |data: String| vec![(0, format!("id: 7\ndata: {data}\n\n"))];
        match (seen.method.as_str(), seen.rpc().as_str()) {
            ("GET", _) => {
                let large = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#, result(101));
                let small = format!(r#"{{"jsonrpc":"2.0","id":2,"result":{}}}"#, result(100));
                let both = [event(large), event(small)].concat();
                Say::Pieces("text/event-stream", both)
            }
            (_, "tools/call") => Say::Pieces("text/event-stream", event(String::new())),
            _ => super::sessions::with_sessions(seen),
        }
    };
    let world = World::with(plan(AT_MOST_100), script).await;
    let session = super::sessions::begin(&world).await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","arguments":{}}}"#;
    let reply = world
        .post(call)
        .header("mcp-session-id", &session)
        .send()
        .await;
    let id = reply
        .body
        .lines()
        .find_map(|line| line.strip_prefix("id: "));
    let rest = super::sessions::stream(&world, &session)
        .header("last-event-id", id.expect("an id to go on from"))
        .send()
        .await;
    let events = events(&rest.body);
    assert_eq!(events[0]["id"], 1);
    assert_eq!(
        events[0]["result"]["_meta"]["tollgate/decision"]["code"],
        "result_too_large"
    );
    assert!(events[1]["result"]["isError"].is_null(), "{}", rest.body);
    // The ids on that stream remember it, too.
    let id = rest
        .body
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("id: "));
    let again = super::sessions::stream(&world, &session)
        .header("last-event-id", id.expect("an id"))
        .send()
        .await;
    assert!(again.body.contains("result_too_large"), "{}", again.body);
}
