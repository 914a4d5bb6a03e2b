//! `/servers`: registering, credentials, discovery, edits and their races.

use domain::ServerId;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vault::Binding;

use crate::{
    upstream::{CREDENTIAL, Upstream},
    world::{PUBLIC_URL, World},
};

fn with_credential(url: &str) -> Value {
    json!({"name": "CircleCI", "upstream_url": url, "catalog": "circleci",
           "auth": {"kind": "headers", "headers": {"Authorization": CREDENTIAL}}})
}

#[tokio::test]
async fn a_server_is_registered_discovered_edited_and_deleted() {
    let (world, upstream) = tokio::join!(World::new(), Upstream::start());
    let (scope, api) = world.organisation("acme").await;
    let answer = api.post("/servers", with_credential(&upstream.url)).await;
    let location = answer.headers["location"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    let etag = answer.etag();
    let made = answer.expect(201);
    let id = made["id"].as_str().expect("an id").to_owned();
    assert_eq!(location, format!("/api/v1/servers/{id}"));
    assert_eq!(made["slug"], "circleci");
    assert_eq!(made["proxy_url"], format!("{PUBLIC_URL}/mcp/{id}/mcp"));
    assert_eq!(made["auth"]["kind"], "headers");
    assert_eq!(made["auth"]["header_names"], json!(["Authorization"]));
    assert_eq!(made["auth"]["set_by"], scope.actor.user().to_string());
    assert_eq!(etag, format!("\"r{}\"", made["revision"]));
    assert!(
        made["created_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z'))
    );

    assert_eq!(
        api.get(&format!("/servers/{id}/tools")).await.expect(200)["items"],
        json!([])
    );
    let found = api
        .post(&format!("/servers/{id}/discover"), json!({}))
        .await
        .expect(200);
    assert_eq!(found["tool_count"], 2);
    assert_eq!(found["server_name"], "small");
    assert_eq!(found["discovery_error"], Value::Null);
    assert!(upstream.authenticated() >= 2, "the credential was sent");
    let tools = api.get(&format!("/servers/{id}/tools")).await.expect(200);
    let tool = |name: &str| {
        let items = tools["items"].as_array().expect("items");
        items
            .iter()
            .find(|tool| tool["name"] == name)
            .expect("the tool")
            .clone()
    };
    assert_eq!(tool("rerun_workflow")["class"], "execute");
    assert_eq!(tool("rerun_workflow")["risk"], "high");
    assert_eq!(tool("list_artifacts")["class"], "read");
    assert_eq!(
        tool("list_artifacts")["definition"]["annotations"]["readOnlyHint"],
        true
    );

    let path = format!("/servers/{id}/tools/rerun_workflow");
    let changed = api
        .patch(&path, json!({"class": "destructive"}))
        .await
        .expect(200);
    assert_eq!(
        (&changed["class"], &changed["class_set_by_member"]),
        (&json!("destructive"), &json!(true))
    );
    api.ask("POST", &format!("/servers/{id}/discover"), None, &[])
        .await
        .expect(200);
    let tools = api.get(&format!("/servers/{id}/tools")).await.expect(200);
    assert!(
        tools["items"]
            .as_array()
            .expect("items")
            .iter()
            .any(|t| t["class"] == "destructive")
    );
    api.patch(
        &format!("/servers/{id}/tools/nope"),
        json!({"class": "read"}),
    )
    .await
    .problem(404);

    let edited = api
        .patch(
            &format!("/servers/{id}"),
            json!({"name": "CI", "fail_open": true}),
        )
        .await
        .expect(200);
    assert_eq!(
        (&edited["name"], &edited["fail_open"]),
        (&json!("CI"), &json!(true))
    );
    assert_eq!(
        edited["auth"]["kind"], "headers",
        "an edit of something else keeps the credential"
    );

    api.delete(&format!("/servers/{id}")).await.expect(204);
    api.get(&format!("/servers/{id}")).await.problem(404);
    api.delete(&format!("/servers/{id}")).await.problem(404);
}

#[tokio::test]
async fn a_credential_is_sealed_for_one_server_and_one_origin_and_never_shown() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let url = "https://mcp.example.com/mcp";
    let answer = api.post("/servers", with_credential(url)).await;
    assert!(!answer.text.contains("s3cret"), "{}", answer.text);
    let id: ServerId = answer.created().parse().expect("an id");
    let target = store::servers::target(&world.db.console, &scope, id)
        .await
        .expect("a target");
    let sealed = target.credential.expect("sealed");
    let open = |server, origin| {
        let binding = Binding::UpstreamCredential {
            org: scope.org,
            server,
            origin,
        };
        world.keyring.unseal(&sealed, binding)
    };
    let plain = open(id, "https://mcp.example.com:443").expect("opens where it belongs");
    assert_eq!(
        plain.expose_secret(),
        format!("{{\"Authorization\":\"{CREDENTIAL}\"}}").as_bytes()
    );
    assert!(open(ServerId::generate(), "https://mcp.example.com:443").is_err());
    assert!(open(id, "https://evil.example:443").is_err());

    // Another path keeps it; another host, port or scheme removes it.
    let path = format!("/servers/{id}");
    let same = api
        .patch(
            &path,
            json!({"upstream_url": "https://mcp.example.com/other"}),
        )
        .await;
    assert_eq!(same.expect(200)["auth"]["kind"], "headers");
    for elsewhere in [
        "https://mcp.example.com:8443/mcp",
        "https://evil.example/mcp",
    ] {
        let auth = json!({"kind": "headers", "headers": {"Authorization": CREDENTIAL}});
        let body = json!({"upstream_url": url, "auth": auth});
        assert_eq!(
            api.patch(&path, body).await.expect(200)["auth"]["kind"],
            "headers"
        );
        let moved = api
            .patch(&path, json!({"upstream_url": elsewhere}))
            .await
            .expect(200);
        assert_eq!(moved["auth"]["kind"], "none", "{elsewhere}");
        assert_eq!(moved["auth"]["set_at"], Value::Null);
        let target = store::servers::target(&world.db.console, &scope, id)
            .await
            .expect("there");
        assert_eq!(target.credential, None, "{elsewhere}");
    }
    let body = json!({"auth": {"kind": "headers", "headers": {"X-Key": "k"}}});
    api.patch(&path, body).await.expect(200);
    let gone = api
        .patch(&path, json!({"auth": {"kind": "none"}}))
        .await
        .expect(200);
    assert_eq!(gone["auth"]["header_names"], json!([]));
    let events = store::admin_events::list(
        &world.db.console,
        &scope,
        store::PageRequest {
            limit: 200,
            after: None,
        },
    )
    .await
    .expect("admin events")
    .items;
    let events = format!("{events:?}");
    assert!(!events.contains("s3cret"), "an admin event holds no secret");
}

#[tokio::test]
async fn a_credential_over_plain_http_goes_only_where_the_operator_allows() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    for url in [
        "http://203.0.113.7/mcp",
        "http://no-such-host.invalid/mcp",
        "http://[2001:db8::1]/",
    ] {
        let answer = api.post("/servers", with_credential(url)).await;
        assert_eq!(answer.problem(422), "invalid_fields", "{url}");
        assert_eq!(answer.pointers(), ["/upstream_url"], "{url}");
        let bare = api
            .post("/servers", json!({"name": "Bare", "upstream_url": url}))
            .await;
        let id = bare.created();
        let auth = json!({"auth": {"kind": "headers", "headers": {"X-Key": "k"}}});
        let answer = api.patch(&format!("/servers/{id}"), auth).await;
        assert_eq!(answer.pointers(), ["/upstream_url"], "{url}");
    }
    api.post("/servers", with_credential("http://127.0.0.1:9/mcp"))
        .await
        .expect(201);
    let answer = api
        .post(
            "/servers",
            json!({"name": "H", "upstream_url": "https://a.example",
        "auth": {"kind": "headers", "headers": {"Host": "b", "x-ok": "v", "X\u{7f}": "v"}}}),
        )
        .await;
    answer.problem(422);
    assert_eq!(
        answer.pointers(),
        ["/auth/headers/Host", "/auth/headers/X\u{7f}"]
    );
}

#[tokio::test]
async fn a_slug_is_suggested_numbered_and_never_shared() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let make = async |body: Value| api.post("/servers", body).await;
    let url = "https://a.example/mcp";
    for slug in ["my-server", "my-server-2", "my-server-3"] {
        let made = make(json!({"name": "My Server", "upstream_url": url}))
            .await
            .expect(201);
        assert_eq!(made["slug"], slug);
    }
    let taken = make(json!({"name": "X", "slug": "my-server", "upstream_url": url})).await;
    assert_eq!(taken.problem(422), "invalid_fields");
    assert_eq!(taken.pointers(), ["/slug"]);
    let unknown = make(json!({"name": "X", "upstream_url": url, "catalog": "no-such"})).await;
    assert_eq!(unknown.pointers(), ["/catalog"]);
    // Another organisation has names of its own.
    let (_, other) = world.organisation("other").await;
    let made = other
        .post(
            "/servers",
            json!({"name": "My Server", "upstream_url": url}),
        )
        .await;
    assert_eq!(made.expect(201)["slug"], "my-server");
}

#[tokio::test]
async fn a_lost_race_is_a_412() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let path = format!("/servers/{}", api.server("A").await);
    let read = api.get(&path).await.etag();
    let edit = async |name: &str, tag: &str| {
        api.ask(
            "PATCH",
            &path,
            Some(&json!({"name": name})),
            &[("if-match", tag)],
        )
        .await
    };
    let (one, two) = tokio::join!(edit("B", &read), edit("C", &read));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", one.text, two.text);
    let lost = if one.status == 412 { one } else { two };
    assert_eq!(lost.problem(412), "stale");
    assert_eq!(edit("D", "\"r999\"").await.problem(412), "stale");
    assert_eq!(edit("D", "W/\"r2\"").await.problem(412), "stale");
    for bad in ["r2", "2", "\"r1\", \"r2\"", ""] {
        assert_eq!(
            edit("D", bad).await.problem(400),
            "invalid_if_match",
            "{bad}"
        );
    }
    edit("E", "*").await.expect(200);
    assert_eq!(
        api.ask("DELETE", &path, None, &[("if-match", &read)])
            .await
            .problem(412),
        "stale"
    );
    let now = api.get(&path).await.etag();
    api.ask("DELETE", &path, None, &[("if-match", &now)])
        .await
        .expect(204);
}

#[tokio::test]
async fn what_went_wrong_in_discovery_is_said_and_kept() {
    let (world, upstream) = tokio::join!(World::new(), Upstream::start());
    let (_, api) = world.organisation("acme").await;
    let register = async |url: &str| {
        let body = json!({"name": "S", "upstream_url": url});
        let id = api.post("/servers", body).await.created();
        let answer = api
            .post(&format!("/servers/{id}/discover"), json!({}))
            .await;
        assert_eq!(answer.problem(502), "upstream_failed", "{url}");
        let kept = api.get(&format!("/servers/{id}")).await.expect(200);
        let sentence = kept["discovery_error"]
            .as_str()
            .expect("a sentence")
            .to_owned();
        let detail = answer.json["detail"]
            .as_str()
            .expect("a detail")
            .to_lowercase();
        assert!(
            detail.contains(&sentence.to_lowercase()),
            "{detail} / {sentence}"
        );
        sentence
    };
    assert!(
        register(&upstream.url).await.contains("401"),
        "no credential"
    );
    assert!(
        register("http://127.0.0.1:1/mcp")
            .await
            .contains("cannot be reached")
    );
    assert!(
        register("http://10.0.0.1/mcp")
            .await
            .contains("may be dialled")
    );
}

#[tokio::test]
async fn lists_page_by_key() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(api.server(&format!("S{n}")).await);
    }
    made.reverse();
    let mut read = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api
            .get(&format!("/servers?limit=2{cursor}"))
            .await
            .expect(200);
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2);
        read.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().expect("an id").to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(read, made, "newest first, each once");
}
