//! More work than one request may buy, and values at the ends of their ranges.

use futures_util::future::join_all;

use crate::browser::{PASSWORD, World};

/// Anybody can send the form with a token of their own making; none of them costs a hash, or most of
/// these would be told to come again, and people who sign in meanwhile as well.
#[tokio::test]
async fn a_token_that_is_none_costs_no_hash() {
    let world = World::new().await;
    world.owner("ada@example.com", "Acme").await;
    let thief = world.browser();
    let csrf = thief.token("/sign-in").await;
    let token = "A".repeat(43);
    let form = [("token", token.as_str()), ("password", PASSWORD)];
    let flood = (0..150).map(|_| thief.post("/reset/set", &csrf, &form));
    for answer in join_all(flood).await {
        answer.is(410);
    }
}

/// Signing in from everywhere at once: some are checked, the rest are told to come again at once,
/// and the next one is served.
#[tokio::test]
async fn a_flood_of_passwords_is_turned_away() {
    let world = World::new().await;
    world.owner("ada@example.com", "Acme").await;
    let browser = world.browser();
    let csrf = browser.token("/sign-in").await;
    let guess = async |n: u8| {
        let email = format!("nobody{n}@example.com");
        let form = [("email", email.as_str()), ("password", PASSWORD)];
        // From as many addresses, so that no throttle sees more than one of them.
        let mut request = browser
            .request("POST", "/sign-in")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(axum::body::Body::from(crate::browser::encode(
                &[&form[..], &[("csrf", csrf.as_str())]].concat(),
            )))
            .expect("a request");
        let peer = std::net::SocketAddr::from(([10, 0, 0, n], 40_000));
        request
            .extensions_mut()
            .insert(axum::extract::ConnectInfo(peer));
        world.send_from(request).await.status.as_u16()
    };
    let statuses = join_all((0..200).map(guess)).await;
    assert!(statuses.contains(&503), "{statuses:?}");
    assert!(
        statuses.iter().all(|status| [422, 503].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(guess(201).await, 422);
}

/// A document of 256 KiB can be wrong in tens of thousands of places.
#[tokio::test]
async fn a_document_full_of_faults_is_answered_with_a_page() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let page = format!("{}/policies/new", ada.add_server("Mine").await);
    let wrong: Vec<String> = (0..20_000).map(|n| format!("\"k{n:x}\": 1")).collect();
    let document = format!("{{\"version\": \"1\", {}}}", wrong.join(","));
    let form = [("act", "check"), ("document", document.as_str())];
    let started = std::time::Instant::now();
    let answer = ada.submit(&page, &page, &form).await;
    let text = &answer.is(200).text;
    assert!(text.contains("<h2>20001 faults"), "all are counted");
    assert!(text.contains("The first 50 are shown"));
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
    // Each excerpt walks through the text: for all of them, that took more than a minute.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// The ends of time are moments like others.
#[tokio::test]
async fn a_range_of_all_time_is_answered() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    for range in [
        "from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59.999999999Z",
        "from=9999-12-31T23:59:59.999999999Z",
        "to=0000-01-01T00:00:00Z",
    ] {
        ada.get(&format!("/audit?{range}")).await.is(200);
    }
}

/// Decisions of the first page cost work and need no account, so one address has so many.
#[tokio::test]
async fn one_address_has_so_many_decisions_and_holds_nobody_else_up() {
    let world = World::new().await;
    let browser = world.browser();
    let from = async |peer: [u8; 4], path: &str| {
        let request = browser.request("GET", path);
        let mut request = request.body(axum::body::Body::empty()).expect("a request");
        let peer = std::net::SocketAddr::from((peer, 40_000));
        request
            .extensions_mut()
            .insert(axum::extract::ConnectInfo(peer));
        world.send_from(request).await
    };
    let (busy, other) = ([192, 0, 2, 1], [192, 0, 2, 2]);
    for n in 0..console::DECISIONS_A_MINUTE {
        let path = ["/demo?call=2", "/?tool=rerun_workflow&call=2"][n as usize % 2];
        assert_eq!(from(busy, path).await.status, 200, "{n}");
    }
    let sentence = "Too much was asked from your address";
    for path in ["/demo?call=2", "/?call=2"] {
        let answer = from(busy, path).await;
        assert_eq!(answer.status, 429, "{path}");
        let wait = answer.headers["retry-after"].to_str().expect("text");
        assert!(
            (1..=60).contains(&wait.parse::<u32>().expect("seconds")),
            "{wait}"
        );
        assert!(answer.text.contains(sentence), "{}", answer.text);
        assert!(answer.text.contains(&format!("Try again in {wait} s.")));
        let whole = path.starts_with("/?");
        assert_eq!(answer.text.contains("<html"), whole, "{}", answer.text);
    }
    // What asks for no decision, and everyone else, goes on.
    for path in ["/", "/catalog", "/docs"] {
        assert_eq!(from(busy, path).await.status, 200, "{path}");
    }
    assert_eq!(from(other, "/demo?call=2").await.status, 200);

    // Lists of the catalogue have a count of their own; the one above was of them.
    for n in 1..console::READS_A_MINUTE {
        let path = ["/catalog?q=a", "/catalog.md?q=b"][n as usize % 2];
        assert_eq!(from(busy, path).await.status, 200, "{n}");
    }
    for path in [
        "/catalog",
        "/catalog.md?q=a",
        "/catalog/classes/read",
        "/catalog/risks/low.md",
    ] {
        let answer = from(busy, path).await;
        assert_eq!(answer.status, 429, "{path}");
        assert!(
            answer.text.contains("Too much was asked from your address"),
            "{path}"
        );
    }
    assert_eq!(from(busy, "/catalog/attacks").await.status, 200);
    assert_eq!(from(other, "/catalog").await.status, 200);
}
