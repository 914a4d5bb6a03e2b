//! The public catalogue over the API: no key, cacheable, bounded, and nothing secret in an answer.

use std::net::{Ipv4Addr, SocketAddr};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, header},
};
use serde_json::{Value, json};
use store::catalogue::{Entry, Loader};

use crate::world::{Answer, World};

/// A console whose catalogue has what ships with Tollgate.
pub(crate) async fn world() -> World {
    let world = World::new().await;
    let mut loader = Loader::connect(&world.db.url)
        .await
        .expect("the owner connects");
    let entries: Vec<Entry> = catalog::shipped()
        .iter()
        .map(|one| Entry {
            server: one.server.clone(),
            tools: Some(one.tools.clone()),
            releases: one.releases.clone(),
        })
        .collect();
    loader.load(&entries).await.expect("loaded");
    loader.close().await.expect("closed");
    world
}

async fn get(world: &World, path: &str) -> Answer {
    let request = Request::builder().uri(format!("/api/v1{path}"));
    world
        .send(request.body(Body::empty()).expect("a request"))
        .await
}

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    let request = Request::post(format!("/api/v1{path}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()));
    world.send(request.expect("a request")).await
}

#[tokio::test]
async fn servers_tools_and_attacks_are_read_without_a_key() {
    let world = world().await;
    let found = get(&world, "/catalog/servers?q=circleci&class=execute")
        .await
        .expect(200);
    assert_eq!(found["items"][0]["slug"], "circleci");
    assert_eq!(found["items"][0]["tool_count"], 13);

    let server = get(&world, "/catalog/servers/circleci").await.expect(200);
    assert_eq!(server["tools"].as_array().map(Vec::len), Some(13));
    assert_eq!(server["package"]["name"], "@circleci/mcp-server-circleci");
    assert_eq!(server["next_cursor"], Value::Null);
    for kept in [
        "vendor",
        "summary",
        "repository",
        "licence",
        "run",
        "upstream_url",
        "credential",
    ] {
        assert!(!server[kept].is_null(), "{kept}");
    }
    assert!(server["notes"].is_array() && server["releases"].is_array());

    let tool = get(&world, "/catalog/servers/circleci/tools/rerun_workflow")
        .await
        .expect(200);
    assert_eq!(
        (&tool["class"], &tool["risk"]),
        (&json!("execute"), &json!("high"))
    );
    assert_eq!(tool["server"]["slug"], "circleci");
    assert!(!tool["signals"].as_array().expect("a list").is_empty());
    let paths = tool["arguments"].as_array().expect("a list");
    assert!(
        paths.iter().any(|one| one["path"] == "params.workflowId"),
        "{paths:?}"
    );
    for rule in tool["rules"].as_array().expect("rules") {
        policy::Policy::parse(&rule["document"].to_string()).expect("a rule that is valid");
    }
    assert_eq!(tool["rules"].as_array().map(Vec::len), Some(4));
    assert!(!tool["questions"].as_array().expect("a list").is_empty());

    let tools = get(&world, "/catalog/tools?q=rerun&risk=high")
        .await
        .expect(200);
    assert_eq!(tools["items"][0]["name"], "rerun_workflow");

    let attacks = get(&world, "/catalog/attacks?limit=1").await.expect(200);
    let id = attacks["items"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let one = get(&world, &format!("/catalog/attacks/{id}"))
        .await
        .expect(200);
    assert!(one["how"].is_array() && one["sources"].is_array());
    let next = attacks["next_cursor"].as_str().expect("there are more");
    let second = get(&world, &format!("/catalog/attacks?limit=1&cursor={next}"))
        .await
        .expect(200);
    assert_ne!(second["items"][0]["id"], id.as_str());

    for path in [
        "/catalog/servers/nope",
        "/catalog/servers/circleci/tools/nope",
        "/catalog/attacks/nope",
    ] {
        assert_eq!(get(&world, path).await.problem(404), "not_found");
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_strange_cursors_are_refused() {
    let world = world().await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&world, &format!("/catalog/servers?limit=7{cursor}"))
            .await
            .expect(200);
        let items = page["items"].as_array().expect("a list").clone();
        seen.extend(items.iter().map(|one| one["slug"].to_string()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let all = seen.len();
    assert_eq!(all, catalog::shipped().len());
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all, "none stands on two pages");
    for bad in ["", "x", "AAAAAA", "_____w", "AAAnEQ"] {
        let answer = get(&world, &format!("/catalog/servers?cursor={bad}")).await;
        assert_eq!(answer.problem(400), "invalid_query", "{bad}");
    }
    let odd = get(&world, "/catalog/servers?transport=%00").await;
    assert_eq!(odd.pointers(), ["/transport"]);
    get(&world, "/catalog/servers?q=%00%27").await.expect(200);
    let odd = get(&world, "/catalog/servers?limit=201").await;
    assert_eq!(odd.problem(400), "invalid_query");
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let world = world().await;
    for path in [
        "/catalog/servers/circleci",
        "/catalog/servers?q=a",
        "/catalog/attacks",
    ] {
        let first = get(&world, path).await;
        assert_eq!(first.headers[header::CACHE_CONTROL], "public, max-age=300");
        let tag = first.headers[header::ETAG].clone();
        let again = Request::builder()
            .uri(format!("/api/v1{path}"))
            .header(header::IF_NONE_MATCH, tag);
        let again = world
            .send(again.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(
            (again.status.as_u16(), again.text.as_str()),
            (304, ""),
            "{path}"
        );
    }
    let missing = get(&world, "/catalog/servers/nope").await;
    assert_eq!(missing.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_configuration_is_judged_and_its_keys_go_nowhere() {
    let world = world().await;
    let config = json!({"mcpServers": {
        "ci": {"command": "npx", "args": ["-y", "@circleci/mcp-server-circleci", "--x", "hunter2"],
            "env": {"CIRCLECI_TOKEN": "hunter2"}},
        "own": {"url": "https://u:hunter2@mcp.example.com/mcp?k=hunter2", "headers": {"A": "hunter2"}},
    }});
    let body = json!({"config": config.to_string()});
    let answer = post(&world, "/catalog/check", &body).await;
    let text = answer.text.clone();
    let report = answer.expect(200);
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(report["counts"]["servers"], 2);
    let states: Vec<_> = report["servers"]
        .as_array()
        .expect("two")
        .iter()
        .map(|s| &s["state"])
        .collect();
    assert_eq!(states, ["known", "unknown"]);
    assert_eq!(report["servers"][0]["slug"], "circleci");
    assert_eq!(report["servers"][0]["tool_count"], 13);
    assert_eq!(report["first"][0]["kind"], "credentials");
    let worst = report["worst"].as_array().expect("tools");
    assert!(worst.iter().any(|tool| tool["tool"] == "rerun_workflow"));
    assert!(
        worst
            .iter()
            .all(|tool| !tool["why"].as_array().expect("why").is_empty())
    );
    let again = post(
        &world,
        "/catalog/check",
        &json!({"config": report["stripped"]}),
    )
    .await
    .expect(200);
    assert_eq!(again, report, "the stripped text says the same");

    let broken = json!({"config": "{\"mcpServers\": hunter2}"});
    let answer = post(&world, "/catalog/check", &broken).await;
    assert_eq!(answer.problem(422), "invalid_fields");
    assert_eq!(answer.pointers(), ["/config"]);
    assert!(
        answer.text.contains("line 1, column 16") && !answer.text.contains("hunter2"),
        "{}",
        answer.text
    );
    let large = json!({"config": " ".repeat(300_000)});
    assert_eq!(
        post(&world, "/catalog/check", &large).await.problem(422),
        "invalid_fields"
    );
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits_and_another_does_not() {
    let world = World::new().await;
    let ask = async |last: u8| {
        let mut request = Request::builder()
            .uri("/api/v1/catalog/attacks?limit=1")
            .body(Body::empty())
            .expect("a request");
        let peer = SocketAddr::from((Ipv4Addr::new(192, 0, 2, last), 40_000));
        request.extensions_mut().insert(ConnectInfo(peer));
        world.send(request).await
    };
    for _ in 0..600 {
        assert_eq!(ask(1).await.status.as_u16(), 200);
    }
    let refused = ask(1).await;
    assert_eq!(refused.problem(429), "too_many_requests");
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(ask(2).await.status.as_u16(), 200);
}
