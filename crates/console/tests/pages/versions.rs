//! Versions of a policy: compared, confirmed before they are published, and nothing lost where two
//! people write one.

use crate::{
    browser::World,
    editor::{ONE, policy, server, shows, versions},
};

#[tokio::test]
async fn publishing_is_confirmed_with_what_it_changes() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, ONE, "publish").await;
    let tighter = ONE.replace("{}", "{ \"rate_limit\": { \"max\": 5, \"window\": 60 } }");
    let fields = [
        ("document", tighter.as_str()),
        ("revision", "1"),
        ("base", "1"),
        ("note", "Five a minute"),
        ("act", "review"),
    ];
    let review = ada.submit(&policy, &policy, &fields).await;
    review.is(200);
    shows(
        &review,
        &[
            "effect-tightens",
            "1 tightens",
            "value=\"Five a minute\"",
            "Publish CI agents v2",
        ],
    );
    assert_eq!(versions(&world).await, 1, "reviewing stores nothing");
    let token = review.token().expect("a form");
    let publish = [&fields[..4], &[("act", "publish")]].concat();
    let done = ada.post(&policy, &token, &publish).await;
    done.leads_to(&format!("{policy}?done=policy-published"));
    let page = ada.get(&policy).await;
    shows(&page, &["v2 in force", "Five a minute", "1 tightens"]);

    // A stored version is published, and rolled back to, through the same step.
    let review = ada.get(&format!("{policy}/publish?version=1")).await;
    review.is(200);
    shows(&review, &["Roll CI agents back to v1", "1 loosens"]);
    let fields = [("version", "1"), ("revision", "3")];
    let done = ada
        .submit(
            &format!("{policy}/publish?version=1"),
            &format!("{policy}/publish"),
            &fields,
        )
        .await;
    done.leads_to(&format!("{policy}?done=policy-published"));
    ada.get(&format!("{policy}/publish?version=9"))
        .await
        .is(404);
    ada.get(&format!("{policy}/publish?version=x"))
        .await
        .is(404);
}

#[tokio::test]
async fn of_two_who_edit_at_once_the_second_sees_what_the_first_did() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, ONE, "publish").await;
    let theirs = ONE.replace("get_logs", "get_*");
    let fields = [
        ("document", theirs.as_str()),
        ("revision", "1"),
        ("base", "1"),
        ("note", "All <b>reads</b>"),
        ("act", "save"),
    ];
    ada.submit(&policy, &policy, &fields).await.location();
    let mine = ONE.replace(
        "{}",
        "{ \"action\": \"deny\", \"reason\": \"mine, unsaved\" }",
    );
    for act in ["save", "publish"] {
        let fields = [
            ("document", mine.as_str()),
            ("revision", "1"),
            ("base", "1"),
            ("note", "my note"),
            ("act", act),
        ];
        let answer = ada.submit(&policy, &policy, &fields).await;
        answer.is(409);
        shows(
            &answer,
            &[
                "Someone else saved version 2",
                "All &lt;b&gt;reads&lt;/b&gt;",
                "between v1, which you began with, and v2",
                "/tools/get_*",
                "class=\"changes\"",
                "mine, unsaved",
                "value=\"my note\"",
                "name=\"revision\" value=\"2\"",
                "name=\"base\" value=\"2\"",
            ],
        );
    }
    assert_eq!(versions(&world).await, 2, "nothing of mine was stored");
    // Where only the published version or the name changed, no version is shown as new.
    let fields = [
        ("document", mine.as_str()),
        ("revision", "1"),
        ("base", "2"),
        ("act", "save"),
    ];
    let answer = ada.submit(&policy, &policy, &fields).await;
    answer.is(409);
    shows(&answer, &["published or renamed", "mine, unsaved"]);
    // A version that never was is no base.
    let fields = [
        ("document", mine.as_str()),
        ("revision", "1"),
        ("base", "99"),
        ("act", "save"),
    ];
    ada.submit(&policy, &policy, &fields).await.is(409);
    let fields = [
        ("document", mine.as_str()),
        ("revision", "x"),
        ("act", "save"),
    ];
    ada.submit(&policy, &policy, &fields).await.is(400);
}

#[tokio::test]
async fn any_two_versions_are_compared() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, ONE, "publish").await;
    for (revision, name) in [("1", "get_*"), ("2", "list_*")] {
        let document = ONE.replace("get_logs", name);
        let fields = [
            ("document", document.as_str()),
            ("revision", revision),
            ("act", "save"),
        ];
        ada.submit(&policy, &policy, &fields).await.location();
    }
    let page = ada.get(&format!("{policy}/versions/3")).await;
    shows(page.is(200), &["Compared with v1, which is in force"]);
    let page = ada.get(&format!("{policy}/versions/3?against=2")).await;
    shows(
        page.is(200),
        &[
            "Compared with v2",
            "/tools/get_*",
            "/tools/list_*",
            "class=\"changes\"",
        ],
    );
    let page = ada.get(&format!("{policy}/versions/1")).await;
    page.is(200);
    assert!(!page.text.contains("Compared with"));
    ada.get(&format!("{policy}/versions/3?against=9"))
        .await
        .is(404);
    ada.get(&format!("{policy}/versions/3?against=x"))
        .await
        .is(404);
}

const SHADOWED: &str = "{ \"version\": \"1\", \"default\": \"deny\", \"tools\": { \"get_logs\": { \
    \"deny_if\": [{ \"conditions\": [], \"mode\": \"shadow\" }] } } }";

#[tokio::test]
async fn a_rule_in_shadow_is_listed_and_promoted_in_the_text() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, SHADOWED, "publish").await;
    shows(
        &ada.get(&format!("{server}/policies")).await,
        &["rules in shadow"],
    );
    let page = ada.get(&policy).await;
    shows(
        page.is(200),
        &["1 rule in shadow", "aria-label=\"0 calls\""],
    );
    let button = page.text.split("name=\"promote\" value=\"").nth(1);
    let button = button
        .and_then(|rest| rest.split('"').next())
        .expect("a button");
    let fields = [
        ("document", SHADOWED),
        ("revision", "2"),
        ("base", "1"),
        ("promote", button),
    ];
    let answer = ada.submit(&policy, &policy, &fields).await;
    shows(
        answer.is(200),
        &[
            "In the editor now, not saved",
            "&#34;deny_if&#34;: [{ &#34;conditions&#34;: [] }]",
        ],
    );
    assert!(!answer.text.contains("1 rule in shadow"));
    assert_eq!(versions(&world).await, 1, "nothing was stored");
    // The button of a text that has changed since promotes nothing.
    let changed = SHADOWED.replace(
        "[]",
        "[{ \"path\": \"args.a\", \"op\": \"exists\", \"value\": true }]",
    );
    let fields = [("document", changed.as_str()), ("promote", button)];
    let answer = ada.submit(&policy, &policy, &fields).await;
    shows(answer.is(422), &["has changed there", "1 rule in shadow"]);
}

/// The same answer to the byte for a policy that is another organisation's and for one that never
/// was, on every way to it.
#[tokio::test]
async fn another_organisations_policy_is_not_there() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let theirs = policy(&ada, &server, ONE, "publish").await;
    let eve = world.owner("eve@example.com", "Evil").await;
    let never = format!("/policies/{}", domain::PolicyId::generate());
    for tail in [
        "",
        "?from=1",
        "/versions/1",
        "/versions/1?against=1",
        "/publish?version=1",
    ] {
        let hers = eve.get(&format!("{theirs}{tail}")).await;
        let none = eve.get(&format!("{never}{tail}")).await;
        assert_eq!(
            (hers.is(404).status, &hers.text),
            (none.status, &none.text),
            "{tail}"
        );
    }
    let token = eve.token("/account").await;
    for act in ["look", "check", "review", "save", "publish", "rule"] {
        let fields = [
            ("document", ONE),
            ("revision", "1"),
            ("base", "1"),
            ("act", act),
        ];
        let hers = eve.post(&theirs, &token, &fields).await;
        let none = eve.post(&never, &token, &fields).await;
        assert_eq!(
            (hers.is(404).status, &hers.text),
            (none.status, &none.text),
            "{act}"
        );
    }
    let fields = [("version", "1"), ("revision", "1")];
    eve.post(&format!("{theirs}/publish"), &token, &fields)
        .await
        .is(404);
    assert_eq!(versions(&world).await, 1);
}
