//! Headers on every answer.

use axum::http::header;

use crate::browser::World;

#[tokio::test]
async fn every_route_sends_every_security_header() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = ada.add_server("Mine").await;
    let id = server.rsplit('/').next().expect("an id");
    let landing = world.browser().get("/").await;
    let css = landing
        .text
        .split("href=\"")
        .find(|part| part.starts_with("/static/") && part.contains(".css"));
    let css = css
        .and_then(|part| part.split('"').next())
        .expect("a style sheet");
    let mut paths: Vec<String> = console::routes()
        .into_iter()
        .filter(|(method, _)| method == "GET")
        .map(|(_, path)| path.replace("{server}", id))
        .collect();
    paths.extend([
        css.to_owned(),
        "/no/such/page".to_owned(),
        "/favicon.ico".to_owned(),
    ]);
    assert!(paths.len() > 20);
    let open: Vec<String> = site::routes()
        .into_iter()
        .map(|(_, path)| path.replace(['{', '}'], ""))
        .collect();
    for path in paths {
        let path = path.replace(['{', '}'], "");
        let answer = ada.get(&path).await;
        let of = |name: &str| {
            let value = answer
                .headers
                .get(name)
                .unwrap_or_else(|| panic!("{path} has {name}"));
            value.to_str().expect("ASCII").to_owned()
        };
        let policy = of("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(of("x-content-type-options"), "nosniff");
        assert_eq!(of("cross-origin-opener-policy"), "same-origin");
        assert!(of("strict-transport-security").starts_with("max-age="));
        of("referrer-policy");
        of("permissions-policy");
        let cache = of("cache-control");
        let fixed = path.starts_with("/static/") || path == "/favicon.ico";
        // The public site and the catalogue are the same for everyone, whoever asks.
        let public = path.starts_with("/api/v1/catalog/") || open.contains(&path);
        assert!(
            fixed || public || cache.contains("no-store"),
            "{path}: {cache}"
        );
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn pages_hold_no_inline_script_or_style() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = ada.add_server("Mine").await;
    let paths = [
        "/overview",
        "/servers",
        "/servers/new",
        "/grants",
        "/audit",
        "/members",
        "/admin-events",
        "/api-keys",
        "/settings",
        "/account",
        "/welcome",
        &server,
        &format!("{server}/policies/new"),
        &format!("{server}/settings"),
        &format!("{server}/activity"),
        &format!("{server}/grants/new"),
    ];
    for path in paths {
        let text = ada.get(path).await.is(200).text.clone();
        assert!(!text.contains(" style="), "{path}");
        assert!(!text.contains("<style"), "{path}");
        assert!(
            !text.contains(" onclick=") && !text.contains("javascript:"),
            "{path}"
        );
        assert_eq!(
            text.matches("<script").count(),
            text.matches("<script src=\"/static/").count(),
            "{path}: files of ours"
        );
    }
}

#[tokio::test]
async fn static_files_are_kept_for_ever_under_a_name_that_changes() {
    let world = World::new().await;
    let page = world.browser().get("/").await;
    let mut found = 0;
    for part in page
        .text
        .split('"')
        .filter(|part| part.starts_with("/static/"))
    {
        let answer = world.browser().get(part).await;
        assert_eq!(
            answer.is(200).headers[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        let other = part.replace("/static/", "/static/0");
        world.browser().get(&other).await.is(404);
        found += 1;
    }
    assert!(found >= 3);
}
