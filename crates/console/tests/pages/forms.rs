//! No change is made for another site, with another session's token, or without one.

use axum::{
    body::Body,
    http::{header, request::Builder},
};

use crate::browser::{Browser, World, encode};

const FORM: &str = "application/x-www-form-urlencoded";

async fn try_with(browser: &Browser<'_>, request: Builder, fields: &[(&str, &str)]) -> u16 {
    let request = request.body(Body::from(encode(fields))).expect("a request");
    browser.send(request).await.status.as_u16()
}

#[tokio::test]
async fn a_form_needs_the_token_of_its_own_session() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let eve = world.owner("eve@example.com", "Evil").await;
    let mine = ada.token("/servers/new").await;
    let hers = eve.token("/servers/new").await;
    let visitor = world.browser().token("/sign-in").await;
    let server = [("name", "X"), ("upstream_url", "http://127.0.0.1:1/mcp")];

    for wrong in ["", "x", &hers, &visitor, &mine[1..]] {
        ada.post("/servers/new", wrong, &server).await.is(403);
    }
    let from_here = |browser: &Browser<'_>| {
        browser
            .request("POST", "/servers/new")
            .header(header::ORIGIN, world.public_url)
            .header(header::CONTENT_TYPE, FORM)
    };
    assert_eq!(
        try_with(&ada, from_here(&ada), &server).await,
        403,
        "no token at all"
    );
    let twice = [("name", "X"), ("csrf", &mine), ("csrf", &hers)];
    assert_eq!(
        try_with(&ada, from_here(&ada), &twice).await,
        403,
        "two tokens"
    );
    let servers: i64 = world.db.value("select count(*) from servers").await;
    assert_eq!(servers, 0);
    let right = [
        ("name", "X"),
        ("upstream_url", "http://127.0.0.1:1/mcp"),
        ("csrf", &mine),
    ];
    assert_eq!(try_with(&ada, from_here(&ada), &right).await, 303);
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_even_with_the_token() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let token = ada.token("/account").await;
    let fields = [("csrf", token.as_str())];
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let request = ada
            .request("POST", "/sign-out")
            .header(name, value)
            .header(header::CONTENT_TYPE, FORM);
        assert_eq!(
            try_with(&ada, request, &fields).await,
            403,
            "{name}: {value}"
        );
    }
    // What a page of another site can send without asking first is no form of ours either.
    for kind in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json",
    ] {
        let request = ada
            .request("POST", "/sign-out")
            .header(header::CONTENT_TYPE, kind);
        assert_eq!(try_with(&ada, request, &fields).await, 403, "{kind}");
    }
    ada.get("/account").await.is(200);
}

#[tokio::test]
async fn signing_in_cannot_be_forged_either() {
    let world = World::new().await;
    world.owner("ada@example.com", "Acme").await;
    let victim = world.browser();
    let attackers = world.browser().token("/sign-in").await;
    let form = [
        ("email", "ada@example.com"),
        ("password", crate::browser::PASSWORD),
    ];
    victim.post("/sign-in", &attackers, &form).await.is(403);
    victim.get("/sign-in").await.is(200);
    victim.post("/sign-in", &attackers, &form).await.is(403);
    victim
        .submit("/sign-in", "/sign-in", &form)
        .await
        .leads_to("/overview");
}

/// Every route that changes something, from the router itself: the guard stands before all of them.
#[tokio::test]
async fn no_route_changes_anything_without_a_token() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let mut walked = 0;
    for (method, path) in console::routes() {
        if method == "GET" || path.starts_with("/api/") {
            continue;
        }
        let path = path.replace("{server}", "srv_1").replace(['{', '}'], "");
        ada.post(&path, "wrong", &[]).await.is(403);
        walked += 1;
    }
    assert!(walked > 20, "{walked} routes");
}

#[tokio::test]
async fn a_form_is_bounded() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let token = ada.token("/account").await;
    let huge = "x".repeat(900 * 1024);
    ada.post("/servers/new", &token, &[("name", &huge)])
        .await
        .is(413);
}
