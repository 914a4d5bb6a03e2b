//! What happens before any handler: routes, keys, bodies, queries; and the form of every refusal.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn everything_under_api_is_a_problem() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/servers",
        "/api/v1/servers/",
        "/api/v1/nope",
    ] {
        for method in ["GET", "POST", "DELETE", "PUT", "OPTIONS"] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty());
            let answer = world.send(request.expect("a request")).await;
            assert_eq!(answer.problem(404), "not_found", "{method} {path}");
        }
    }
    for (method, path) in [
        ("PUT", "/servers"),
        ("DELETE", "/servers"),
        ("GET", "/policies/check"),
    ] {
        let answer = api.ask(method, path, None, &[]).await;
        assert_eq!(answer.problem(405), "method_not_allowed", "{method} {path}");
        assert!(
            answer.headers.contains_key(header::ALLOW),
            "{method} {path}"
        );
    }
    let answer = api.get("/servers").await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_key_and_only_a_key_opens_the_door() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let good = format!("Bearer {}", api.key);
    let other = "A".repeat(43);
    for (value, status) in [
        (good.clone(), 200),
        (good.replace("Bearer", "bearer"), 200),
        (format!("Bearer tg_key_{other}"), 401),
        (format!("Basic {}", api.key), 401),
        (api.key.clone(), 401),
        (format!("{good}x"), 401),
        ("Bearer ".into(), 401),
        (String::new(), 401),
    ] {
        let request = Request::builder().uri("/api/v1/organisation");
        let request = request
            .header(header::AUTHORIZATION, &value)
            .body(Body::empty());
        let answer = world.send(request.expect("a request")).await;
        assert_eq!(answer.status, status, "{value:?}: {}", answer.text);
        if status == 401 {
            assert_eq!(answer.problem(401), "unauthenticated");
            assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
            assert!(!answer.text.contains(&other), "a key is never said back");
        }
    }
    // Two credentials are none, and a cookie is none either.
    let request = Request::builder()
        .uri("/api/v1/organisation")
        .header(header::AUTHORIZATION, &good)
        .header(header::AUTHORIZATION, &good);
    let answer = world
        .send(request.body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(answer.problem(401), "unauthenticated");
}

#[tokio::test]
async fn a_browser_session_is_not_accepted() {
    let world = World::new().await;
    let (scope, _) = world.organisation("acme").await;
    let token = vault::random_token();
    let lives = std::time::Duration::from_secs(60);
    let proven: String = world.db.value("select password_hash from users").await;
    store::sessions::create(
        &world.db.console,
        scope.actor.user(),
        &proven,
        vault::sha256(&token),
        lives,
    )
    .await
    .expect("a session");
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let cookie = BASE64_URL_SAFE_NO_PAD.encode(token);
    let get = async |path: &str| {
        let request = Request::builder()
            .uri(path)
            .header(header::COOKIE, format!("__Host-tg_session={cookie}"));
        world
            .send(request.body(Body::empty()).expect("a request"))
            .await
    };
    assert_eq!(get("/overview").await.status, 200, "it is a good session");
    let answer = get("/api/v1/organisation").await;
    assert_eq!(answer.problem(401), "unauthenticated");
}

#[tokio::test]
async fn a_body_is_read_strictly() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let send = async |body: &str, media: &str| {
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/servers")
            .header(header::AUTHORIZATION, format!("Bearer {}", api.key))
            .header(header::CONTENT_TYPE, media)
            .body(Body::from(body.to_owned()));
        world.send(request.expect("a request")).await
    };
    let good = r#"{"name":"A","upstream_url":"https://a.example"}"#;
    assert_eq!(
        send(good, "text/plain").await.problem(415),
        "unsupported_media_type"
    );
    assert_eq!(send(good, "").await.problem(415), "unsupported_media_type");
    for (body, place) in [
        ("", "line 1, column 1"),
        ("{\"name\":\n  \"A\",,}", "line 2, column 7"),
        (r#"{"name":"A","name":"B"}"#, "line 1, column 13"),
        (r#"{"name":"\ud800"}"#, "line 1"),
        (r#"{"name":"A"} {}"#, "line 1, column 14"),
        ("\u{feff}{}", "line 1, column 1"),
        (r#"{"name":NaN}"#, "line 1, column 9"),
    ] {
        let answer = send(body, "application/json").await;
        assert_eq!(answer.problem(400), "malformed_json", "{body}");
        let detail = answer.json["detail"].as_str().expect("a detail");
        assert!(detail.contains(place), "{body}: {detail}");
    }
    let deep = format!("{{\"name\":{}{}}}", "[".repeat(80), "]".repeat(80));
    assert_eq!(
        send(&deep, "application/json").await.problem(400),
        "malformed_json"
    );
    for (body, pointer) in [
        ("[]", ""),
        ("{}", "/name"),
        (r#"{"name":"A"}"#, "/upstream_url"),
        (r#"{"name":5,"upstream_url":"https://a.example"}"#, "/name"),
        (r#"{"name":"","upstream_url":"https://a.example"}"#, "/name"),
        (
            r#"{"name":"A\u202e","upstream_url":"https://a.example"}"#,
            "/name",
        ),
        (
            r#"{"name":"A","upstream_url":"https://a.example","x/y":1}"#,
            "/x~1y",
        ),
        (
            r#"{"name":"A","upstream_url":"ftp://a.example"}"#,
            "/upstream_url",
        ),
        (
            r#"{"name":"A","upstream_url":"https://u:p@a.example"}"#,
            "/upstream_url",
        ),
        (
            r#"{"name":"A","upstream_url":"https://a.example","slug":null}"#,
            "/slug",
        ),
        (
            r#"{"name":"A","upstream_url":"https://a.example","slug":"srv_1"}"#,
            "/slug",
        ),
        (
            r#"{"name":"A","upstream_url":"https://a.example","auth":{}}"#,
            "/auth/kind",
        ),
        (
            r#"{"name":"A","upstream_url":"https://a.example","auth":{"kind":"oauth"}}"#,
            "/auth/kind",
        ),
        (
            r#"{"name":"A","upstream_url":"https://a.example","auth":{"kind":"none","x":1}}"#,
            "/auth/x",
        ),
    ] {
        let answer = send(body, "application/json").await;
        assert_eq!(answer.problem(422), "invalid_fields", "{body}");
        assert_eq!(answer.pointers(), [pointer], "{body}: {}", answer.text);
    }
    let large = format!("{good}{}", " ".repeat(1024 * 1024));
    assert_eq!(
        send(&large, "application/json").await.problem(413),
        "body_too_large"
    );
    let listed = api.get("/servers").await.expect(200);
    assert_eq!(listed["items"], json!([]), "nothing of all that was stored");
}

#[tokio::test]
async fn unknown_query_parameters_are_refused_everywhere() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    for (method, path, pointer) in [
        ("GET", "/servers?limits=5", "/limits"),
        ("GET", "/servers?limit=5&limit=6", "/limit"),
        ("GET", "/servers?limit=0", "/limit"),
        ("GET", "/servers?cursor=x", "/cursor"),
        ("GET", "/organisation?x", "/x"),
        ("GET", "/audit?outcome=denied", "/outcome"),
        ("GET", "/audit?from=yesterday", "/from"),
        ("GET", "/audit?server=gr_1", "/server"),
        ("GET", "/audit/stats?bins=0", "/bins"),
        (
            "GET",
            "/audit/stats?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            "/from",
        ),
        ("GET", "/audit/export", "/format"),
        ("GET", "/audit/export?format=xml", "/format"),
        ("POST", "/servers?dry_run=1", "/dry_run"),
        ("GET", "/catalog/servers?class=terrible", "/class"),
    ] {
        let answer = api.ask(method, path, None, &[]).await;
        assert_eq!(answer.problem(400), "invalid_query", "{path}");
        assert_eq!(answer.pointers(), [pointer], "{path}");
    }
}

#[tokio::test]
async fn the_callers_request_id_is_kept_where_it_is_harmless() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let answer = api
        .ask("GET", "/nope", None, &[("request-id", "trace-1.a_B")])
        .await;
    answer.problem(404);
    assert_eq!(answer.json["request_id"], "trace-1.a_B");
    let long = "x".repeat(65);
    for bad in ["a b", "a\"b", "<script>", "", long.as_str()] {
        let answer = api.ask("GET", "/nope", None, &[("request-id", bad)]).await;
        answer.problem(404);
        assert!(
            answer.json["request_id"]
                .as_str()
                .expect("an id")
                .starts_with("req_"),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn the_document_needs_no_key() {
    let world = World::new().await;
    let get = async |path: &str| {
        let request = Request::builder().uri(path).body(Body::empty());
        world.send(request.expect("a request")).await
    };
    let document = get("/openapi.json").await;
    assert_eq!(document.text, console::openapi());
    assert_eq!(document.headers[header::CONTENT_TYPE], "application/json");
}

/// The manual and the schema are the same for everyone, so nobody signs in for them.
#[tokio::test]
async fn the_manual_and_the_schema_need_no_key() {
    let world = World::new().await;
    let get = async |path: &str| {
        let request = Request::builder().uri(path).body(Body::empty());
        world.send(request.expect("a request")).await
    };
    let schema = get("/schemas/policy-1.json").await;
    assert_eq!(schema.text, policy::json_schema());
    assert_eq!(
        schema.headers[header::CONTENT_TYPE],
        "application/schema+json"
    );
    assert_eq!(schema.headers[header::CACHE_CONTROL], "public, max-age=300");
    for (path, heading) in [
        (
            "/docs/faults/unknown_field",
            "<code>unknown_field</code></h1>",
        ),
        ("/docs/faults", "Faults and warnings</h1>"),
        ("/docs/policy", "Policies</h1>"),
    ] {
        let page = get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains(heading), "{path}: {}", page.text);
    }
    for path in [
        "/docs/faults/nope",
        "/docs/faults/README",
        "/docs/faults/..%2Fpolicy",
    ] {
        assert_eq!(get(path).await.status, 404, "{path}");
    }
}
