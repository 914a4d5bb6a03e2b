//! Against a server on this machine that speaks the registry's API, well and badly.

use axum::{
    Router,
    extract::Query,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use domain::catalogue::Origin;
use serde_json::{Value, json};
use std::collections::HashMap;

use super::{
    registry::{Fetched, Registry},
    slug::slug,
};

type Asked = HashMap<String, String>;

async fn serve(answer: fn(&Asked) -> Response) -> String {
    let list = move |Query(asked): Query<Asked>| async move { answer(&asked) };
    let app = Router::new().route("/v0.1/servers", get(list));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/")
}

async fn fetched(answer: fn(&Asked) -> Response) -> Fetched {
    let url = serve(answer).await;
    Registry::new(&url, None).unwrap().fetch().await
}

fn page(servers: &[Value], next: Option<&str>) -> Response {
    let body = json!({ "servers": servers, "metadata": { "nextCursor": next } });
    (
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

fn listed(name: &str, status: &str) -> Value {
    json!({
        "server": {
            "name": name, "title": "A server\u{202e}", "description": "x", "version": "1.2.0",
            "repository": { "url": "https://github.com/a/b", "source": "github", "subfolder": "s" },
            "packages": [{ "registryType": "npm", "identifier": "@a/b", "version": "1.2.0",
                "transport": { "type": "stdio" } }],
            "remotes": [{ "type": "streamable-http", "url": "https://{host}/mcp" },
                { "type": "sse", "url": "https://a.example/sse" }],
        },
        "_meta": { "io.modelcontextprotocol.registry/official":
            { "status": status, "isLatest": true } },
    })
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let done = fetched(|asked| match asked.get("cursor").map(String::as_str) {
        None => {
            assert_eq!(asked["version"], "latest");
            assert_eq!(asked["include_deleted"], "true");
            page(
                &[
                    listed("io.github.A/b_c", "active"),
                    listed("x.y/gone", "deleted"),
                ],
                Some("a/b:1 &"),
            )
        }
        Some("a/b:1 &") => page(&[listed("x.y/old", "deprecated")], Some("")),
        Some(other) => panic!("{other}"),
    })
    .await;
    assert_eq!(done.broken, None);
    assert_eq!((done.pages, done.deprecated), (2, 1));
    assert_eq!(done.deleted, ["x-y--gone"]);
    let server = &done.servers[&slug("io.github.A/b_c").unwrap()];
    assert_eq!(
        (server.name.as_str(), server.vendor.as_deref()),
        ("A server", Some("A"))
    );
    assert_eq!(server.packages, ["npm:@a/b"]);
    assert_eq!(server.transports, ["stdio", "streamable-http", "sse"]);
    assert_eq!(server.remote_url.as_deref(), Some("https://a.example/sse"));
    assert_eq!(server.subdir.as_deref(), Some("s"));
    assert_eq!(server.origin, Origin::Registry);
    assert_eq!(done.servers["x-y--old"].tags, ["deprecated"]);
}

#[tokio::test]
async fn a_bad_server_does_not_hide_the_others() {
    let done = fetched(|_| {
        let mut latest = listed("x.y/older", "active");
        latest["_meta"]["io.modelcontextprotocol.registry/official"]["isLatest"] = json!(false);
        page(
            &[
                listed("io.github.a/\u{1b}[31m", "active"),
                listed("../../etc", "active"),
                json!({ "server": 1 }),
                json!({ "server": { "name": "x.y/z", "repository": { "url": "javascript:x" } } }),
                latest,
            ],
            None,
        )
    })
    .await;
    assert_eq!(done.faults.len(), 3, "{:?}", done.faults);
    let slugs: Vec<_> = done.servers.keys().collect();
    assert_eq!(slugs, ["x-y--z"]);
    assert_eq!(done.servers["x-y--z"].repo, None);
}

/// One publisher's name looks like another's, and says that it is gone.
#[tokio::test]
async fn no_publisher_touches_the_entry_of_another() {
    let done = fetched(|_| {
        page(
            &[
                listed("io.github.foo/bar-baz", "active"),
                listed("io.github.foo-bar/baz", "active"),
                listed("io.github.foo.bar/baz", "deleted"),
                listed("io.github.foo/bar_baz", "deleted"),
            ],
            None,
        )
    })
    .await;
    assert_eq!((done.servers.len(), done.deleted.len()), (2, 2));
    assert!(done.servers.contains_key("io-github-foo--bar-baz"));
    assert!(
        !done
            .deleted
            .iter()
            .any(|slug| done.servers.contains_key(slug))
    );
}

#[tokio::test]
async fn a_title_is_cut_and_a_version_that_is_gone_takes_no_server_along() {
    let done = fetched(|_| {
        let mut long = listed("x.y/long", "active");
        long["server"]["title"] = json!("\u{2066}".to_owned() + &"t".repeat(5_000));
        let mut older = listed("x.y/long", "deleted");
        older["_meta"] =
            json!({ "io.modelcontextprotocol.registry/official": { "status": "deleted" } });
        let mut unnamed = listed("x.y/unnamed", "active");
        unnamed["server"]["title"] = json!(" \u{200b}");
        page(&[long, older, unnamed], None)
    })
    .await;
    assert_eq!(done.faults.len(), 0, "{:?}", done.faults);
    assert_eq!(done.deleted, [""; 0]);
    assert_eq!(done.servers["x-y--long"].name, "t".repeat(99));
    assert_eq!(done.servers["x-y--unnamed"].name, "x-y--unnamed");
}

#[tokio::test]
async fn a_list_without_end_ends() {
    let same = fetched(|_| page(&[listed("x.y/z", "active")], Some("again"))).await;
    assert!(same.broken.unwrap().contains("the same cursor"));
    assert_eq!((same.pages, same.servers.len()), (2, 1));
    let long = fetched(|_| page(&[], Some(&"x".repeat(2_000)))).await;
    assert!(long.broken.unwrap().contains("a cursor is longer"));
}

#[tokio::test]
async fn what_is_no_registry_is_said_to_be_none() {
    let html = fetched(|_| "<html>hello</html>".into_response()).await;
    assert!(
        html.broken
            .unwrap()
            .contains("does not answer as a registry")
    );
    let moved =
        fetched(|_| Redirect::permanent("https://elsewhere.example/").into_response()).await;
    assert!(
        moved
            .broken
            .unwrap()
            .contains("redirects to https://elsewhere.example/")
    );
    let refused = fetched(|_| StatusCode::TOO_MANY_REQUESTS.into_response()).await;
    assert!(refused.broken.unwrap().contains("it answers 429"));
    let huge = fetched(|_| vec![b' '; 20 << 20].into_response()).await;
    assert!(huge.broken.unwrap().contains("cannot be read"));
    assert_eq!(huge.pages, 0);
}

#[test]
fn an_address_is_checked_before_it_is_asked() {
    for url in ["ftp://x", "https://x/?a=b", "x", "https://x/#a"] {
        assert!(Registry::new(url, None).is_err(), "{url}");
    }
    assert!(Registry::new("https://x.example", Some("yesterday")).is_err());
    assert!(Registry::new("https://x.example", Some("2026-08-20T00:00:00Z")).is_ok());
}
