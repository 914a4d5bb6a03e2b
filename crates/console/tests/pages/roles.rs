//! What each role sees and may do; and what another organisation sees, which is nothing.

use crate::browser::{Browser, World};

/// Gives the one member of the world's only organisation another role.
pub(crate) async fn become_a(world: &World, role: &str) {
    world
        .db
        .admin(&format!("update memberships set role = '{role}'"))
        .await;
}

async fn forbidden(browser: &Browser<'_>, to: &str, fields: &[(&str, &str)]) {
    let token = browser.token("/account").await;
    let answer = browser.post(to, &token, fields).await;
    assert!(answer.is(403).text.contains("Your role cannot"), "{to}");
}

#[tokio::test]
async fn a_viewer_looks_and_changes_nothing() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = ada.add_server("Mine").await;
    become_a(&world, "viewer").await;
    for page in [
        "/overview",
        "/servers",
        "/audit",
        "/grants",
        "/members",
        "/settings",
        &server,
    ] {
        ada.get(page).await.is(200);
    }
    for page in [
        "/servers/new",
        "/admin-events",
        "/api-keys",
        &format!("{server}/policies/new"),
    ] {
        let answer = ada.get(page).await;
        assert!(answer.is(403).text.contains("Your role cannot"), "{page}");
    }
    forbidden(
        &ada,
        "/servers/new",
        &[("name", "X"), ("upstream_url", "http://127.0.0.1:1/")],
    )
    .await;
    forbidden(&ada, &format!("{server}/discover"), &[]).await;
    forbidden(
        &ada,
        &format!("{server}/delete"),
        &[("name", "Mine"), ("revision", "1")],
    )
    .await;
    forbidden(&ada, &format!("{server}/grants/new"), &[("label", "x")]).await;
    forbidden(&ada, "/api-keys", &[("label", "x"), ("role", "viewer")]).await;
    let page = ada.get(&server).await.text;
    assert!(
        !page.contains("/discover") && !page.contains("/grants/new"),
        "hidden as well"
    );
}

#[tokio::test]
async fn a_policy_manager_writes_policies_and_issues_nothing() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = ada.add_server("Mine").await;
    become_a(&world, "policy_manager").await;
    let path = format!("{server}/policies/new");
    let document = r#"{"version":"1","default":"deny","tools":{"a":{}}}"#;
    let fields = [("name", "CI"), ("document", document), ("act", "publish")];
    let made = ada.submit(&path, &path, &fields).await;
    assert!(made.location().starts_with("/policies/pol_"));
    forbidden(&ada, &format!("{server}/grants/new"), &[("label", "x")]).await;
    forbidden(&ada, &format!("{server}/settings"), &[("name", "Y")]).await;
}

#[tokio::test]
async fn the_story_in_forms() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = ada.add_server("CircleCI").await;
    let page = ada.get(&server).await.is(200).text.clone();
    assert!(
        page.contains("The tools could not be listed"),
        "the upstream is not there"
    );

    // A fault is shown at its line, and what was typed is still there.
    let path = format!("{server}/policies/new");
    let typo = "{ \"version\": \"1\", \"default\": \"deny\",\n  \"toools\": {} }";
    let fields = [
        ("name", "CI agents"),
        ("document", typo),
        ("act", "publish"),
    ];
    let answer = ada.submit(&path, &path, &fields).await;
    assert!(
        answer.is(422).text.contains("Line 2, column 3"),
        "{}",
        answer.text
    );
    assert!(answer.text.contains("toools") && answer.text.contains("value=\"CI agents\""));

    // The form adds a rule to the text, which is not saved by that.
    let start = "{\n  \"version\": \"1\",\n  \"default\": \"deny\"\n}";
    let fields = [
        ("name", "CI agents"),
        ("document", start),
        ("act", "build:write"),
        ("b.form", "limits /tools/rerun_workflow"),
        ("r.max", "10"),
        ("r.window", "minute"),
    ];
    let answer = ada.submit(&path, &path, &fields).await;
    assert!(answer.is(200).text.contains("rerun_workflow_rate"));
    let stored: i64 = world.db.value("select count(*) from policies").await;
    assert_eq!(stored, 0);

    let good = r#"{"version":"1","default":"deny","tools":{"rerun_workflow":{}}}"#;
    let fields = [
        ("name", "CI agents"),
        ("document", good),
        ("act", "publish"),
    ];
    let made = ada.submit(&path, &path, &fields).await;
    let policy = made
        .location()
        .split('?')
        .next()
        .expect("a path")
        .to_owned();
    assert!(ada.get(&policy).await.is(200).text.contains("v1 in force"));

    // Of two who save over the same revision one is told, and loses nothing.
    let revision = "1";
    let mine = good.replace("{}", "{ \"action\": \"deny\" }");
    let fields = [
        ("document", mine.as_str()),
        ("revision", revision),
        ("act", "save"),
    ];
    ada.submit(&policy, &policy, &fields)
        .await
        .leads_to(&format!("{policy}?done=policy-saved"));
    let theirs = good.replace("{}", "{ \"reason\": \"mine, unsaved\" }");
    let fields = [
        ("document", theirs.as_str()),
        ("revision", revision),
        ("act", "save"),
    ];
    let answer = ada.submit(&policy, &policy, &fields).await;
    assert!(
        answer.is(409).text.contains("Someone else saved version 2"),
        "{}",
        answer.text
    );
    assert!(answer.text.contains("mine, unsaved"));

    let path = format!("{server}/grants/new");
    let id = policy.rsplit('/').next().expect("an id");
    let fields = [("label", "ci-runner"), ("policy", id), ("expiry", "90")];
    let issued = ada.submit(&path, &path, &fields).await;
    let token = issued
        .is(201)
        .text
        .split("<code id=\"token\">")
        .nth(1)
        .expect("the token");
    let token = token.split('<').next().expect("a token").to_owned();
    assert!(token.starts_with("tg_"));
    let grant = issued
        .text
        .split("data-url=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let grant = grant.expect("its page").to_owned();
    assert!(
        !ada.get(&grant).await.is(200).text.contains(&token),
        "shown once"
    );
    let again = ada.submit(&grant, &format!("{grant}/reveal"), &[]).await;
    assert!(
        again.is(200).text.contains(&token),
        "the same token, on request"
    );
    assert!(
        ada.get("/admin-events")
            .await
            .is(200)
            .text
            .contains("grant.reveal")
    );
    let to = format!("{grant}/revoke");
    ada.submit(&grant, &to, &[])
        .await
        .leads_to(&format!("{grant}?done=grant-revoked"));
    assert!(ada.get(&grant).await.text.contains("for good"));
}

/// The same answer to the byte for what is another organisation's and for what never was.
#[tokio::test]
async fn another_organisation_is_not_there() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = ada.add_server("Unmistakable").await;
    let eve = world.owner("eve@example.com", "Evil").await;
    let never = format!("/servers/{}", domain::ServerId::generate());
    for tail in [
        "",
        "/policies",
        "/grants",
        "/activity",
        "/settings",
        "/policies/new",
        "/grants/new",
    ] {
        let hers = eve.get(&format!("{server}{tail}")).await;
        let none = eve.get(&format!("{never}{tail}")).await;
        assert_eq!(
            (hers.is(404).status, &hers.text),
            (none.status, &none.text),
            "{tail}"
        );
        assert!(!hers.text.contains("Unmistakable"));
    }
    let token = eve.token("/account").await;
    let fields = [("name", "Unmistakable"), ("revision", "1")];
    let hers = eve.post(&format!("{server}/delete"), &token, &fields).await;
    let none = eve.post(&format!("{never}/delete"), &token, &fields).await;
    assert_eq!(
        (hers.is(404).status, hers.text.clone()),
        (none.status, none.text)
    );
    // The cookie that remembers an organisation opens none.
    let org: uuid::Uuid = world
        .db
        .value("select id from organisations where name = 'Acme'")
        .await;
    eve.set_cookie("__Host-tg_org", &domain::OrgId::from_uuid(org).to_string());
    assert!(
        !eve.get("/servers")
            .await
            .is(200)
            .text
            .contains("Unmistakable")
    );
    let answer = eve
        .post(
            "/organisations/switch",
            &token,
            &[("organisation", &domain::OrgId::from_uuid(org).to_string())],
        )
        .await;
    answer.is(404);
}
