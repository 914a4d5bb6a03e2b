//! The policy language before the real CircleCI server: what a document says is what happens to a
//! call, and the same in its own tests, in `POST /policies/decide` and on the gateway.

mod cases;

use serde_json::{Value, json};
use tests::{
    Agent, CircleCi, TestApp, WORKFLOW,
    agent::{Raw, post, said},
    app::Organisation,
    circleci::CIRCLECI_TOKEN,
    eventually,
};

use cases::{refused, with_tests};

/// A Tollgate before the real server, with the document published and a grant that has it.
struct Bench {
    app: TestApp,
    circleci: CircleCi,
    acme: Organisation,
    server: String,
    policy: String,
    grant: String,
    proxy_url: String,
    token: String,
}

impl Bench {
    async fn new() -> Self {
        let (app, circleci) = tokio::join!(TestApp::spawn(), CircleCi::start());
        let acme = app.bootstrap("Acme");
        let made = acme
            .api
            .post(
                "/servers",
                &json!({ "name": "CircleCI", "upstream_url": circleci.url, "catalog": "circleci",
                    "auth": { "kind": "headers", "headers": { "Circle-Token": CIRCLECI_TOKEN } } }),
            )
            .await
            .ok();
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let (server, proxy_url) = (text(&made["id"]), text(&made["proxy_url"]));
        acme.api
            .post(&format!("/servers/{server}/discover"), &json!({}))
            .await
            .ok();
        let (grant, token) = acme
            .api
            .grant(&server, "ci-runner", &with_tests().to_string())
            .await;
        let of_grant = acme.api.get(&format!("/grants/{grant}")).await.ok();
        Self {
            policy: text(&of_grant["policy_id"]),
            app,
            circleci,
            acme,
            server,
            grant,
            proxy_url,
            token,
        }
    }

    async fn call(&self, tool: &str, args: &Value) -> Raw {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": args } });
        post(&self.proxy_url, &self.token, body.to_string(), &[]).await
    }

    async fn decide(&self, tool: &str, args: &Value) -> Value {
        let question = json!({ "policy_id": self.policy, "tool": tool, "args": args,
            "grant": { "label": "ci-runner" } });
        self.acme.api.post("/policies/decide", &question).await.ok()
    }

    /// The audit event of an answer.
    async fn event(&self, answer: &Raw) -> Value {
        let id = answer.headers["tollgate-decision"]
            .to_str()
            .expect("an id")
            .to_owned();
        eventually("the audit event", async || {
            let found = self.acme.api.get(&format!("/audit/{id}")).await;
            (found.status == 200).then_some(found.body)
        })
        .await
    }

    /// The same, once what became of the call is in it.
    async fn settled(&self, answer: &Raw) -> Value {
        eventually("the outcome", async || {
            let event = self.event(answer).await;
            (!event["settlement"].is_null()).then_some(event)
        })
        .await
    }
}

/// One engine: what the gateway answers and records is what `decide` says, and what the document's
/// own tests say, since it could be published with them.
#[tokio::test]
async fn each_refusal_is_the_same_everywhere_and_nothing_reaches_circleci() {
    let bench = Bench::new().await;
    for case in refused() {
        let (tool, args) = (case.tool, &case.args);
        let answer = bench.call(tool, args).await;
        assert_eq!(answer.status, 200, "{tool} {args}");
        let message = answer.message();
        let told = if case.is_unknown() {
            assert_eq!(message["error"]["code"], -32602, "{message}");
            assert!(message["error"]["data"].is_null(), "{message}");
            message["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        } else {
            assert_eq!(
                message["result"]["isError"], true,
                "{tool} {args}: {message}"
            );
            let decision = &message["result"]["_meta"]["tollgate/decision"];
            assert_eq!(decision["code"], case.code, "{tool} {args}: {message}");
            assert_eq!(decision["rule"].as_str(), case.rule);
            answer.said()
        };
        assert!(told.contains(case.says), "{tool} {args}: {told}");

        let event = bench.event(&answer).await;
        let decided = bench.decide(tool, args).await;
        for field in ["outcome", "code", "rule", "message", "shadow"] {
            assert_eq!(event[field], decided[field], "{field} of {tool} {args}");
        }
        assert_eq!(event["outcome"], "deny");
        assert_eq!(event["code"], case.code);
        assert_eq!(event["rule"].as_str(), case.rule);
    }
    assert_eq!(bench.circleci.requests(), 0);

    let agent = Agent::connect(&bench.proxy_url, &bench.token).await;
    let shown = agent.tools().await;
    assert_eq!(shown.len(), 12, "{shown:?}");
    assert!(!shown.contains(&"run_rollback_pipeline".to_owned()));
    agent.leave().await;
}

#[tokio::test]
async fn reruns_are_limited_and_shadow_is_recorded_without_refusing() {
    let bench = Bench::new().await;
    let good = json!({ "params": { "workflowId": WORKFLOW } });
    let check = json!({ "code": "deny_if", "rule": "/tools/rerun_workflow/deny_if/1" });
    let tried =
        json!({ "code": "rate_limited", "rule": "/tools/rerun_workflow/limits/reruns_tried" });
    let decided = bench.decide("rerun_workflow", &good).await;
    for n in 1..=3 {
        let answer = bench.call("rerun_workflow", &good).await;
        let result = &answer.message()["result"];
        assert_ne!(result["isError"], true, "rerun {n}: {}", answer.text);
        let event = bench.event(&answer).await;
        assert_eq!(
            (&event["outcome"], &event["code"]),
            (&json!("allow"), &json!("allowed"))
        );
        if n == 1 {
            assert_eq!(event["shadow"], json!([check]));
            for field in ["outcome", "code", "rule", "message", "shadow", "charges"] {
                assert_eq!(event[field], decided[field], "{field}");
            }
        } else {
            assert_eq!(event["shadow"], json!([check, tried]));
        }
    }
    let fourth = bench.call("rerun_workflow", &good).await;
    let decision = &fourth.message()["result"]["_meta"]["tollgate/decision"];
    assert_eq!(decision["code"], "rate_limited");
    assert_eq!(decision["rule"], "/tools/rerun_workflow/limits/reruns");
    assert!(
        decision["retry_after_ms"]
            .as_u64()
            .is_some_and(|ms| ms > 0 && ms <= 61_000)
    );
    assert_eq!(bench.circleci.reruns(), 3);
    // Where the rule in shadow is kept to, it has nothing to say.
    let from_failed = json!({ "params": { "workflowId": WORKFLOW, "fromFailed": true } });
    let refused = bench
        .event(&bench.call("rerun_workflow", &from_failed).await)
        .await;
    assert_eq!(
        (&refused["code"], &refused["shadow"]),
        (&json!("rate_limited"), &json!([tried]))
    );

    // An approval in shadow holds nothing. (The fake API has no pipelines, so the tool fails.)
    let args = json!({ "params": { "projectSlug": "gh/acme/app", "branch": "main" } });
    let event = bench.event(&bench.call("run_pipeline", &args).await).await;
    let held = json!([{ "code": "approval_required", "rule": "/tools/run_pipeline/approval" }]);
    assert_eq!(
        (&event["outcome"], &event["shadow"]),
        (&json!("allow"), &held)
    );
    assert_eq!(bench.decide("run_pipeline", &args).await["shadow"], held);

    let of_grant = format!("grant={}&shadow=true", bench.grant);
    assert_eq!(
        bench.app.audit(&bench.acme.api, &of_grant, 6).await.len(),
        6
    );
    let csv = bench
        .acme
        .api
        .get(&format!("/audit/export?format=csv&{of_grant}"))
        .await;
    assert!(
        csv.text
            .contains("deny_if /tools/rerun_workflow/deny_if/1; rate_limited /tools/"),
        "{}",
        csv.text
    );
}

/// The call ran, so its charge and its record say so; what it brought back is withheld whole.
#[tokio::test]
async fn a_result_that_is_too_large_is_replaced_by_an_error() {
    let bench = Bench::new().await;
    let args = json!({ "params": {} });
    bench.circleci.follow(2);
    let small = bench.call("list_followed_projects", &args).await;
    assert!(small.said().contains("gh/acme/app-2"), "{}", small.text);
    assert_eq!(bench.settled(&small).await["settlement"]["settled"], "ok");

    for projects in [200, 20_000] {
        bench.circleci.follow(projects);
        let large = bench.call("list_followed_projects", &args).await;
        assert_eq!(large.status, 200);
        assert!(large.text.len() < 2048, "{} bytes", large.text.len());
        let result = &large.message()["result"];
        assert_eq!(result["isError"], true);
        let decision = &result["_meta"]["tollgate/decision"];
        assert_eq!(decision["code"], "result_too_large");
        assert_eq!(decision["rule"], "/classes/read/max_result_bytes");
        assert!(
            large.said().contains("larger than the 2048 bytes"),
            "{}",
            large.said()
        );
        let event = bench.settled(&large).await;
        assert_eq!(
            (&event["outcome"], &event["code"]),
            (&json!("allow"), &json!("allowed"))
        );
        assert_eq!(event["settlement"]["settled"], "result_too_large");
        assert_eq!(event["settlement"]["given_back"], false);
    }
    let agent = Agent::connect(&bench.proxy_url, &bench.token).await;
    let read = agent.call("list_followed_projects", args).await;
    let read = read.expect("a client reads it as a result");
    assert!(said(&read).contains("withheld"), "{read:?}");
    agent.leave().await;
}

/// A member says that a tool is of another class; the class blocks follow without a new version.
#[tokio::test]
async fn a_corrected_class_takes_effect_within_a_second() {
    let bench = Bench::new().await;
    let args = json!({ "params": {} });
    let before = bench
        .event(&bench.call("list_followed_projects", &args).await)
        .await;
    assert_eq!(before["outcome"], "allow");
    let tool = format!("/servers/{}/tools/list_followed_projects", bench.server);
    let edit = json!({ "class": "write" });
    bench
        .acme
        .api
        .call(reqwest::Method::PATCH, &tool, Some(&edit))
        .await
        .ok();
    let corrected = std::time::Instant::now();
    let refused = eventually("the corrected class", async || {
        let answer = bench.call("list_followed_projects", &args).await;
        let decision = answer.message()["result"]["_meta"]["tollgate/decision"].clone();
        (decision["code"] == "denied").then_some(decision)
    })
    .await;
    assert!(
        corrected.elapsed().as_millis() < 1_000,
        "took {:?}",
        corrected.elapsed()
    );
    assert_eq!(refused["rule"], "/classes/write/action");
    let decided = bench.decide("list_followed_projects", &args).await;
    assert_eq!(decided["rule"], "/classes/write/action");
}

/// A version may be saved with a test that fails, and not be published by any door.
#[tokio::test]
async fn what_its_own_tests_contradict_cannot_be_published() {
    let bench = Bench::new().await;
    let mut document = with_tests();
    let last = document["tests"].as_array().expect("tests").len();
    let wrong = json!({ "name": "anyone may roll back", "tool": "run_rollback_pipeline",
        "args": {}, "expect": "allow" });
    document["tests"].as_array_mut().expect("tests").push(wrong);
    let (api, policy) = (&bench.acme.api, &bench.policy);
    let saved = api
        .post(
            &format!("/policies/{policy}/versions"),
            &json!({ "document": document }),
        )
        .await
        .ok();
    let publish = json!({ "version": saved["version"] });
    let published = api
        .post(&format!("/policies/{policy}/publish"), &publish)
        .await;
    let created = api
        .post(
            &format!("/servers/{}/policies", bench.server),
            &json!({ "name": "wrong", "document": document, "publish": true }),
        )
        .await;
    for answer in [published, created] {
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert!(answer.text.contains("test_failed"), "{}", answer.text);
        assert!(
            answer.text.contains(&format!("/tests/{last}")),
            "{}",
            answer.text
        );
    }
    // What was published before still decides.
    let answer = bench.call("run_rollback_pipeline", &json!({})).await;
    assert_eq!(answer.message()["error"]["code"], -32602);
}
