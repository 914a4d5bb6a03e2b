//! Signing up, in and out.

use axum::http::header;
use console::SignUp;

use crate::browser::{PASSWORD, World};

fn cookie_line(answer: &crate::browser::Answer, name: &str) -> String {
    let mut lines = answer.headers.get_all(header::SET_COOKIE).iter();
    let line = lines.find(|line| line.to_str().is_ok_and(|text| text.starts_with(name)));
    line.unwrap_or_else(|| panic!("sets {name}"))
        .to_str()
        .expect("ASCII")
        .to_owned()
}

#[tokio::test]
async fn a_session_cookie_cannot_be_read_planted_or_sent_across_sites() {
    let world = World::new().await;
    let browser = world.browser();
    let form = [("email", "ada@example.com"), ("password", PASSWORD)];
    let answer = browser.submit("/sign-up", "/sign-up", &form).await;
    let line = cookie_line(&answer, "__Host-tg_session=");
    for flag in [
        "; Path=/",
        "; HttpOnly",
        "; Secure",
        "; SameSite=Lax",
        "; Max-Age=2592000",
    ] {
        assert!(line.contains(flag), "{line}");
    }
    assert!(!line.contains("Domain"), "{line}");
    let stored: String = world
        .db
        .value("select encode(token_hash, 'hex') from sessions")
        .await;
    let value = browser.cookies()["__Host-tg_session"].clone();
    assert!(!stored.contains(&value) && stored.len() == 64);

    let plain = World::at("http://tollgate.test", SignUp::Open).await;
    let browser = plain.browser();
    let answer = browser.submit("/sign-up", "/sign-up", &form).await;
    let line = cookie_line(&answer, "tg_session=");
    assert!(
        line.contains("; HttpOnly") && !line.contains("Secure"),
        "{line}"
    );
}

#[tokio::test]
async fn each_sign_in_gets_a_new_session_and_ends_the_one_before() {
    let world = World::new().await;
    let browser = world.owner("ada@example.com", "Acme").await;
    let first = browser.cookies()["__Host-tg_session"].clone();
    let token = browser.token("/account").await;
    let form = [("email", "ada@example.com"), ("password", PASSWORD)];
    browser
        .post("/sign-in", &token, &form)
        .await
        .leads_to("/overview");
    let second = browser.cookies()["__Host-tg_session"].clone();
    assert_ne!(first, second);
    let thief = world.browser();
    thief.set_cookie("__Host-tg_session", &first);
    thief
        .get("/overview")
        .await
        .leads_to("/sign-in?next=%2Foverview");

    // Signing out ends it on the server, not only in the browser.
    let token = browser.token("/account").await;
    browser.post("/sign-out", &token, &[]).await.leads_to("/");
    thief.set_cookie("__Host-tg_session", &second);
    thief
        .get("/overview")
        .await
        .leads_to("/sign-in?next=%2Foverview");
}

#[tokio::test]
async fn changing_the_password_ends_every_other_session() {
    let world = World::new().await;
    let browser = world.owner("ada@example.com", "Acme").await;
    let old = browser.cookies()["__Host-tg_session"].clone();
    let wrong = [
        ("present", "not the password"),
        ("password", "another good password"),
    ];
    let answer = browser.submit("/account", "/account", &wrong).await;
    assert!(
        answer
            .is(422)
            .text
            .contains("Present password is not right")
    );
    let right = [("present", PASSWORD), ("password", "another good password")];
    browser
        .submit("/account", "/account", &right)
        .await
        .leads_to("/account?done=password-changed");
    browser.get("/account").await.is(200);
    let other = world.browser();
    other.set_cookie("__Host-tg_session", &old);
    other
        .get("/account")
        .await
        .leads_to("/sign-in?next=%2Faccount");
}

#[tokio::test]
async fn unknown_accounts_and_wrong_passwords_are_answered_alike_and_throttled() {
    let world = World::new().await;
    world.owner("ada@example.com", "Acme").await;
    let browser = world.browser();
    let token = browser.token("/sign-in").await;
    let mut known = Vec::new();
    for email in ["ada@example.com", "nobody@example.com"] {
        let mut answers = Vec::new();
        for _ in 0..10 {
            let form = [("email", email), ("password", "a wrong password")];
            let answer = browser.post("/sign-in", &token, &form).await;
            answer.is(422);
            answers.push(answer.text.replace(email, "EMAIL"));
        }
        let form = [("email", email), ("password", PASSWORD)];
        let eleventh = browser.post("/sign-in", &token, &form).await;
        assert!(
            eleventh
                .is(429)
                .text
                .contains("Too many attempts. Try again in ")
        );
        assert!(eleventh.headers.contains_key(header::RETRY_AFTER));
        known.push(answers.pop().expect("ten"));
    }
    assert_eq!(known[0], known[1]);
    assert!(known[0].contains("That address and password do not belong together."));
}

#[tokio::test]
async fn a_short_password_is_explained_and_nothing_typed_is_lost() {
    let world = World::new().await;
    let browser = world.browser();
    let form = [("email", "ada@example.com"), ("password", "short")];
    let answer = browser.submit("/sign-up", "/sign-up", &form).await;
    assert!(
        answer
            .is(422)
            .text
            .contains("Password must be at least 12 characters long")
    );
    assert!(answer.text.contains("value=\"ada@example.com\""));
    assert!(
        !answer.text.contains("value=\"short\""),
        "a password is never sent back"
    );
}

#[tokio::test]
async fn sign_up_is_open_only_where_it_is() {
    for mode in [SignUp::Invite, SignUp::Closed] {
        let world = World::at("https://tollgate.example", mode).await;
        let browser = world.browser();
        assert!(!browser.get("/sign-up").await.is(200).text.contains("<form"));
        let token = browser.token("/sign-in").await;
        let form = [("email", "ada@example.com"), ("password", PASSWORD)];
        browser.post("/sign-up", &token, &form).await.is(422);
        let users: i64 = world.db.value("select count(*) from users").await;
        assert_eq!(users, 0);
    }
}

#[tokio::test]
async fn signing_in_leads_to_no_other_site() {
    let world = World::new().await;
    world.owner("ada@example.com", "Acme").await;
    for (next, to) in [
        ("/servers?x=1", "/servers?x=1"),
        ("//evil.example", "/overview"),
        ("https://evil.example", "/overview"),
        ("/\\evil.example", "/overview"),
    ] {
        let browser = world.browser();
        let form = [
            ("email", "ada@example.com"),
            ("password", PASSWORD),
            ("next", next),
        ];
        browser
            .submit("/sign-in", "/sign-in", &form)
            .await
            .leads_to(to);
        let query = serde_urlencoded::to_string([("next", next)]).expect("a pair");
        browser.get(&format!("/sign-in?{query}")).await.leads_to(to);
    }
}

#[tokio::test]
async fn a_reset_link_works_once_and_ends_every_session() {
    let world = World::new().await;
    let browser = world.owner("ada@example.com", "Acme").await;
    let email = "ada@example.com".parse().expect("an address");
    let link = console::reset_link(&world.db.console, world.public_url, &email).await;
    let link = link
        .expect("Postgres answers")
        .expect("there is an account");
    let link = secrecy::ExposeSecret::expose_secret(&link).to_owned();
    let path = link
        .strip_prefix(world.public_url)
        .expect("ours")
        .to_owned();
    let token = path.split_once("token=").expect("a token").1.to_owned();
    let other = world.browser();
    let form = [
        ("token", token.as_str()),
        ("password", "another good password"),
    ];
    other
        .submit(&path, "/reset/set", &form)
        .await
        .leads_to("/sign-in?done=password-set");
    browser
        .get("/overview")
        .await
        .leads_to("/sign-in?next=%2Foverview");
    let csrf = other.token("/sign-in").await;
    other.post("/reset/set", &csrf, &form).await.is(410);
    let nobody = "nobody@example.com".parse().expect("an address");
    let none = console::reset_link(&world.db.console, world.public_url, &nobody).await;
    assert!(none.expect("Postgres answers").is_none());
}
