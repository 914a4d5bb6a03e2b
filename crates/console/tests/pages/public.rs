//! The public pages through the console's router: for anyone, and for who is signed in.

use axum::http::header;

use crate::browser::World;

#[tokio::test]
async fn the_first_page_is_for_visitors_and_sends_members_on() {
    let world = World::new().await;
    let page = world.browser().get("/").await;
    let text = &page.is(200).text;
    assert!(text.contains("Every tool call your agents make, decided before it runs"));
    assert_eq!(page.headers[header::CACHE_CONTROL], "public, max-age=300");
    assert_eq!(page.headers[header::VARY], "Cookie");
    assert!(page.headers.get(header::SET_COOKIE).is_none());

    let ada = world.owner("ada@example.com", "Acme").await;
    let sent_on = ada.get("/").await;
    sent_on.leads_to("/overview");
    assert_eq!(sent_on.headers[header::CACHE_CONTROL], "no-store");
    // A link to a decision shows it to everyone.
    ada.get("/?call=3").await.is(200);

    // A cookie that is no session of anybody's is a visitor's.
    let stranger = world.browser();
    stranger.set_cookie("__Host-tg_session", &"A".repeat(43));
    stranger.get("/").await.is(200);
}

#[tokio::test]
async fn the_first_page_decides_a_call_by_the_real_engine() {
    let world = World::new().await;
    let browser = world.browser();
    let first = browser.get("/").await;
    assert!(
        first
            .text
            .contains("rerun_workflow is over its limit of 10 a minute")
    );
    assert!(first.text.contains("0 of 10 left"));
    let tenth = browser.get("/?call=10").await;
    assert!(
        tenth
            .text
            .contains("Call 10 of rerun_workflow goes to the server.")
    );
    assert_eq!(tenth.headers[header::CACHE_CONTROL], "no-store");
    assert!(tenth.text.contains("content=\"noindex\""));
    let again = browser.get("/demo?call=10&again=1").await;
    assert!(again.is(200).text.contains("is over its limit"));
    assert!(!again.text.contains("<html"), "the decision alone");
    for hostile in [
        "/?tool=%3Cscript%3Ealert(1)%3C/script%3E",
        "/?policy=%3Cscript%3Ealert(1)%3C/script%3E",
        "/?arguments=%7B%22%3C/textarea%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/?attack=%3Cscript%3Ealert(1)%3C/script%3E",
        "/demo?tool=%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let answer = browser.get(hostile).await;
        assert!(!answer.is(200).text.contains("<script>alert"), "{hostile}");
    }
    browser.get("/?tool=a&tool=b").await.is(400);
    browser.get("/?tool=%ff").await;
}

/// Without script, the form and the links do what the script does.
#[tokio::test]
async fn an_attack_can_be_tried() {
    let world = World::new().await;
    let ruled = catalog::attacks::attacks()
        .iter()
        .find(|attack| attack.rule.is_some())
        .expect("an attack with a rule");
    let page = world.browser().get(&format!("/?attack={}", ruled.id)).await;
    let text = &page.is(200).text;
    assert!(text.contains(&format!("/catalog/attacks/{}", ruled.id)));
    assert!(text.contains("class=\"verdict verdict-"), "it is decided");
    assert!(!text.contains("verdict-allowed"), "and not let through");
}

#[tokio::test]
async fn every_page_of_the_docs_is_there_with_its_twin() {
    let world = World::new().await;
    let browser = world.browser();
    browser.get("/docs").await.is(200);
    let index = browser.get("/docs.md").await;
    let pages = site::manual::pages();
    assert!(pages.len() > 40, "{}", pages.len());
    for path in pages {
        let page = browser.get(&path).await;
        assert!(
            page.is(200).text.contains("<link rel=\"canonical\""),
            "{path}"
        );
        let twin = browser.get(&format!("{path}.md")).await;
        assert_eq!(
            twin.is(200).headers[header::CONTENT_TYPE],
            "text/markdown; charset=utf-8"
        );
        assert!(twin.text.starts_with("# "), "{path}");
        assert!(index.text.contains(&format!("{path}.md")), "{path}");
    }
    browser.get("/docs/faults/README.md").await.is(200);
    for gone in [
        "/docs/none",
        "/docs/none.md",
        "/docs/faults/none",
        "/docs/%2e%2e",
        "/docs/faults%2fbad_json.md.md",
    ] {
        browser.get(gone).await.is(404);
    }
    let found = browser.get("/docs/search?q=shadow").await;
    assert!(found.is(200).text.contains("<mark>"));
    let hostile = browser
        .get("/docs/search?q=%3Cscript%3Ealert(1)%3C/script%3E+%00")
        .await;
    assert!(!hostile.is(200).text.contains("<script>alert"));
    let twin = browser.get("/index.md").await;
    assert!(twin.is(200).text.starts_with("# Tollgate\n"));
}
