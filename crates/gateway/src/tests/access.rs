//! Who gets in, and to what.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::{GrantId, OrgId, ServerId};
use uuid::Uuid;

use super::world::{Plan, World, good};

fn now_ms() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    u64::try_from(now.as_millis()).expect("fits")
}

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;

#[tokio::test]
async fn each_form_of_the_path_reaches_the_server() {
    let world = World::new(good).await;
    for path in [
        format!("/mcp/{}", world.server),
        format!("/mcp/{}/", world.server),
        format!("/mcp/{}/mcp", world.server),
        "/mcp/acme/circleci".into(),
        "/mcp/acme/circleci/".into(),
        "/mcp/acme/circleci/mcp".into(),
    ] {
        let ask = world
            .ask("POST", &path)
            .header("authorization", &format!("bearer {}", world.token))
            .header("content-type", "application/json")
            .body(PING);
        assert_eq!(ask.send().await.status, 200, "{path}");
    }
    // The upstream's own path and query, never the client's.
    assert!(
        world
            .seen
            .lock()
            .iter()
            .all(|seen| seen.path == "/mcp?up=1")
    );
}

#[tokio::test]
async fn odd_paths_hosts_and_methods_reach_nothing() {
    let world = World::new(good).await;
    let bearer = format!("Bearer {}", world.token);
    let id = world.server;
    for path in [
        "/mcp".into(),
        "/mcp/".into(),
        format!("/mcp/{id}?x=1"),
        format!("/mcp/{id}//"),
        format!("/mcp/{id}%2fmcp"),
        format!("/mcp/x/../{id}"),
        "/mcp/acme/Circleci".into(),
        format!("//mcp/{id}"),
        format!("/mcp/{id}/mcp/mcp"),
    ] as [String; 9]
    {
        let ask = world.ask("POST", &path).header("authorization", &bearer);
        let reply = ask
            .header("content-type", "application/json")
            .body(PING)
            .send()
            .await;
        assert_eq!(reply.status, 404, "{path}");
    }
    for host in [
        vec!["evil.example"],
        vec![],
        vec!["localhost"],
        vec!["127.0.0.1", "evil.example"],
    ] {
        let mut ask = world.post(PING).without("host");
        for host in &host {
            ask = ask.header("host", host);
        }
        let status = ask.send().await.status;
        assert!(matches!(status, 400 | 404), "{host:?}: {status}");
    }
    let name = format!("localhost:{}", world.address.port());
    let reply = world
        .post(PING)
        .without("host")
        .header("host", &name)
        .send()
        .await;
    assert_eq!(reply.status, 200);
    for method in ["PUT", "PATCH", "HEAD", "TRACE"] {
        let reply = world
            .ask(method, &world.path())
            .header("authorization", &bearer)
            .send()
            .await;
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), Some("POST, GET, DELETE, OPTIONS"));
    }
    assert_eq!(world.seen.lock().len(), 1);
}

#[tokio::test]
async fn tokens_that_are_not_good_are_401_in_the_form_clients_know() {
    let mut world = World::new(good).await;
    let reply = world.post(PING).without("authorization").send().await;
    assert_eq!(
        (reply.status, reply.header("www-authenticate")),
        (401, Some("Bearer"))
    );
    assert!(reply.json().get("id").is_none());

    let other = World::new(good).await;
    let flipped = {
        let mut token = world.token.clone().into_bytes();
        let at = token.len() - 10;
        token[at] = if token[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(token).expect("ASCII")
    };
    for (why, token) in [
        ("rubbish", "tg_rubbish".to_owned()),
        ("flipped", flipped),
        ("another installation's", other.token.clone()),
        (
            "another issuer",
            world.sign(|claims| claims.issuer = Uuid::now_v7()),
        ),
        (
            "expired",
            world.sign(|claims| claims.expires_at_s = Some(now_ms() / 1000 - 1)),
        ),
        ("another version", world.sign(|claims| claims.version = 2)),
        ("an older version", world.sign(|claims| claims.version = 0)),
        (
            "an unknown grant",
            world.sign(|claims| claims.grant = GrantId::generate()),
        ),
        (
            "another organisation",
            world.sign(|claims| claims.org = OrgId::generate()),
        ),
        (
            "another server than its grant's",
            world.sign(|c| c.server = ServerId::generate()),
        ),
    ] {
        let ask = world.post(PING).without("authorization");
        let reply = ask
            .header("authorization", &format!("Bearer {token}"))
            .send()
            .await;
        assert_eq!(reply.status, 401, "{why}");
        assert_eq!(
            reply.header("www-authenticate"),
            Some("Bearer error=\"invalid_token\""),
            "{why}"
        );
        assert!(reply.json()["error"]["message"].is_string() && reply.json().get("id").is_none());
    }
    let bearer = format!("Bearer {}", world.token);
    let reply = world
        .post(PING)
        .header("authorization", &bearer)
        .send()
        .await;
    assert_eq!(reply.status, 401, "two headers");
    assert_eq!(world.seen.lock().len(), 0);
    assert!(
        world.decisions().await.is_empty(),
        "nobody was known to ask"
    );
}

#[tokio::test]
async fn what_changes_takes_effect_on_the_next_request() {
    let mut world = World::new(good).await;
    let status = async |world: &World| world.post(PING).send().await.status;
    assert_eq!(status(&world).await, 200);
    world.change(|snapshot| snapshot.grants[0].paused = true);
    assert_eq!(status(&world).await, 401);
    world.change(|snapshot| snapshot.grants[0].paused = false);
    assert_eq!(status(&world).await, 200);
    world.change(|snapshot| snapshot.suspended = true);
    assert_eq!(status(&world).await, 401);
    world.change(|snapshot| snapshot.suspended = false);
    // An older snapshot that comes late changes nothing.
    let mut late = world.snapshot.clone();
    late.version = 1;
    late.grants.clear();
    world.gateway.apply(late);
    assert_eq!(status(&world).await, 200);
    world.change(|snapshot| snapshot.grants[0].expires_at_ms = Some(now_ms() - 1));
    assert_eq!(status(&world).await, 401);
    world.change(|snapshot| snapshot.grants[0].expires_at_ms = Some(now_ms() + 60_000));
    assert_eq!(status(&world).await, 200);
    world.change(|snapshot| {
        snapshot.grants[0].token_version = 2;
        snapshot.grants[0].overlap = Some((1, now_ms() + 60_000));
    });
    assert_eq!(status(&world).await, 200, "within the overlap");
    world.change(|snapshot| snapshot.grants[0].overlap = Some((1, now_ms() - 1)));
    assert_eq!(status(&world).await, 401, "after it");
    world.token = world.sign(|claims| claims.version = 2);
    assert_eq!(status(&world).await, 200);
    let revoked = world.snapshot.grants.clone();
    world.change(|snapshot| snapshot.grants.clear());
    assert_eq!(status(&world).await, 401);
    world.change(|snapshot| snapshot.grants = revoked);
    assert_eq!(status(&world).await, 200);
    world.gateway.forget(world.snapshot.org);
    assert_eq!(status(&world).await, 401);
    assert!(world.gateway.versions().is_empty());
}

/// Whoever issues a grant and uses it at once is not told that it is bad.
#[tokio::test]
async fn a_token_issued_a_moment_ago_is_waited_for() {
    let mut world = World::new(good).await;
    let fresh = GrantId::generate();
    let sign = |world: &World, age_s: u64| {
        world.sign(|claims| {
            claims.grant = fresh;
            claims.issued_at_s = now_ms() / 1000 - age_s;
        })
    };
    world.token = sign(&world, 60);
    let began = Instant::now();
    assert_eq!(world.post(PING).send().await.status, 401);
    assert!(
        began.elapsed() < Duration::from_millis(900),
        "an old one is not"
    );

    world.token = sign(&world, 0);
    let asked = tokio::spawn(world.post(PING).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!asked.is_finished(), "it waits");
    world.change(|snapshot| {
        let mut grant = snapshot.grants[0].clone();
        grant.id = fresh;
        snapshot.grants.push(grant);
    });
    assert_eq!(asked.await.expect("no panic").status, 200);

    world.change(|snapshot| snapshot.grants.retain(|grant| grant.id != fresh));
    let revoked = Instant::now();
    assert_eq!(world.post(PING).send().await.status, 401);
    assert!(
        revoked.elapsed() < Duration::from_millis(900),
        "a revoked one is not waited for"
    );

    world.token = world.sign(|claims| {
        claims.grant = GrantId::generate();
        claims.issued_at_s = now_ms() / 1000;
    });
    assert_eq!(
        world.post(PING).send().await.status,
        401,
        "nor is one for ever"
    );
}

#[tokio::test]
async fn another_servers_token_sees_what_it_would_see_of_no_server() {
    let mut world = World::new(good).await;
    let mine = world.server;
    let other = ServerId::generate();
    world.change(|snapshot| {
        let mut server = snapshot.servers[0].clone();
        server.id = other;
        server.slug = "other".parse().expect("a slug");
        snapshot.servers.push(server);
    });
    let bearer = format!("Bearer {}", world.token);
    let ask = async |world: &World, path: &str| {
        let ask = world.ask("POST", path).header("authorization", &bearer);
        ask.header("content-type", "application/json")
            .body(PING)
            .send()
            .await
    };
    let theirs = ask(&world, &format!("/mcp/{other}")).await;
    let none = ask(&world, &format!("/mcp/{}", ServerId::generate())).await;
    assert_eq!((theirs.status, &theirs.body), (404, &none.body));
    assert_eq!(none.status, 404);
    for path in [
        "/mcp/acme/other",
        "/mcp/acme/nobody",
        "/mcp/nobody/circleci",
    ] {
        let reply = ask(&world, path).await;
        assert_eq!((reply.status, &reply.body), (404, &none.body), "{path}");
    }
    let decisions = world.decisions().await;
    assert_eq!(decisions.len(), 5);
    assert!(
        decisions
            .iter()
            .all(|d| d.code.as_str() == "wrong_server" && d.server == mine)
    );
}

#[tokio::test]
async fn failures_are_slowed_and_good_tokens_are_not() {
    let world = World::new(good).await;
    assert_eq!(world.post(PING).send().await.status, 200);
    let bad = || {
        world
            .post(PING)
            .without("authorization")
            .header("authorization", "Bearer tg_x")
    };
    let mut statuses = Vec::new();
    for _ in 0..70 {
        statuses.push(bad().send().await.status);
    }
    assert_eq!(statuses[0], 401);
    let last = bad().send().await;
    assert_eq!(last.status, 429);
    let wait: u64 = last
        .header("retry-after")
        .expect("a wait")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait));
    assert_eq!(
        world.post(PING).send().await.status,
        200,
        "a token that was good before"
    );
    // A new one from there waits, so that guessing cannot go on beside good use.
    let fresh = world.sign(|claims| claims.issued_at_s = 2);
    let ask = world.post(PING).without("authorization");
    assert_eq!(
        ask.header("authorization", &format!("Bearer {fresh}"))
            .send()
            .await
            .status,
        429
    );
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let mut world = World::new(good).await;
    let own = format!("http://{}", world.address);
    let reply = world.post(PING).header("origin", &own).send().await;
    assert_eq!(
        (reply.status, reply.header("access-control-allow-origin")),
        (200, Some(&*own))
    );
    for origin in ["https://evil.example", "null"] {
        let reply = world.post(PING).header("origin", origin).send().await;
        assert_eq!(reply.status, 403, "{origin}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    assert_eq!(world.last().await.0, "origin_refused");
    let preflight = world
        .ask("OPTIONS", &world.path())
        .header("origin", &own)
        .send()
        .await;
    assert_eq!(preflight.status, 204);
    let path = world.path();
    let preflight = world
        .ask("OPTIONS", &path)
        .header("origin", "https://evil.example")
        .send()
        .await;
    assert_eq!(preflight.status, 403);
    assert_eq!(world.seen.lock().len(), 1);
}

#[tokio::test]
async fn a_gateway_that_knows_nothing_current_answers_503() {
    let world = World::new(good).await;
    assert!(world.gateway.staleness().expect("confirmed") < Duration::from_secs(5));
    let (refresh, _keep) = tokio::sync::mpsc::channel(1);
    let dir = tempfile::tempdir().expect("a folder");
    let fresh = crate::Gateway::new(crate::Needs {
        limiter: std::sync::Arc::new(limits::Limiter::Local(limits::Local::new())),
        spool: spool::open(dir.path()).expect("a spool").0,
        dialler: upstream::Dialler::new(upstream::Guard::new(vec![])),
        settings: world.gateway.settings.clone(),
        refresh,
    });
    assert_eq!(fresh.staleness(), None);
    let request = || {
        http::Request::post(world.path())
            .header("host", world.address.to_string())
            .body(axum::body::Body::empty())
            .expect("a request")
    };
    assert_eq!(
        std::sync::Arc::clone(&fresh)
            .serve(request())
            .await
            .status(),
        503
    );
    fresh.confirm_current();
    // Still without keys.
    assert_eq!(fresh.serve(request()).await.status(), 503);
}

#[tokio::test]
async fn a_configuration_that_is_too_old_decides_nothing_until_it_is_confirmed() {
    let plan = Plan {
        staleness_max: Duration::from_millis(400),
        ..Plan::default()
    };
    let mut world = World::with(plan, good).await;
    assert_eq!(world.post(PING).send().await.status, 200);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let reply = world.post(PING).send().await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("5"))
    );
    assert!(reply.json()["error"]["message"].is_string());
    // A bad token learns no more than a good one.
    let ask = world.post(PING).without("authorization");
    assert_eq!(ask.send().await.status, 503);
    world.gateway.confirm_current();
    assert_eq!(world.post(PING).send().await.status, 200);
    assert_eq!(world.decisions().await.len(), 2);
}

#[tokio::test]
async fn too_many_at_once_are_told_to_come_again() {
    use std::sync::atomic::Ordering;
    let world = World::new(good).await;
    let max = crate::gateway::IN_FLIGHT_MAX;
    world.gateway.in_flight.fetch_add(max, Ordering::SeqCst);
    let reply = world.post(PING).send().await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("1"))
    );
    world.gateway.in_flight.fetch_sub(1, Ordering::SeqCst);
    assert_eq!(world.post(PING).send().await.status, 200);
    let left = world.gateway.in_flight.load(Ordering::SeqCst);
    assert_eq!(left, max - 1, "each place was given back");
}

#[tokio::test]
async fn the_public_keys_are_published() {
    let world = World::new(good).await;
    let reply = world.ask("GET", "/.well-known/jwks.json").send().await;
    assert_eq!(
        reply.json()["keys"].as_array().map(Vec::len),
        Some(1),
        "{reply:?}"
    );
}
