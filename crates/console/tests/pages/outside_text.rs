//! Text that an upstream or an agent wrote is shown as text, and cannot hide.

use domain::{
    Tool,
    audit::{Code, Outcome, Record, Shadow},
};

use crate::{browser::World, support};

const MARKUP: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>";
const HIDDEN: &str = "safe\u{202e}txt.exe\u{200b}\u{e0041}\u{1b}[31m";

#[tokio::test]
async fn tools_are_data_wherever_they_are_shown() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let path = ada.add_server("Mine").await;
    let id: domain::ServerId = path
        .rsplit('/')
        .next()
        .expect("an id")
        .parse()
        .expect("an id");
    let org: uuid::Uuid = world.db.value("select id from organisations").await;
    let org = domain::OrgId::from_uuid(org);
    let tool = |name: &str, description: &str| Tool {
        name: name.to_owned(),
        title: None,
        description: Some(description.to_owned()),
        definition: format!("{{\"name\":{}}}", serde_json::Value::from(name)),
        class: None,
    };
    let found = store::servers::Discovery {
        tools: vec![
            tool(MARKUP, MARKUP),
            tool("fine", HIDDEN),
            tool("\"><b>", "x"),
        ],
        server_name: Some(MARKUP.to_owned()),
        server_version: Some(HIDDEN.to_owned()),
        protocol_version: None,
    };
    store::servers::record_discovery(&world.db.console, org, None, id, &found)
        .await
        .expect("stored");
    for page in [path.clone(), format!("{path}/policies/new")] {
        let text = ada.get(&page).await.is(200).text.clone();
        assert!(
            text.contains("&lt;script&gt;") || text.contains("&#60;script&#62;"),
            "{page}"
        );
        assert!(
            !text.contains("<script>alert") && !text.contains("<img src=x"),
            "{page}"
        );
        assert!(!text.contains("\"><b>"), "{page}");
    }
    let text = ada.get(&path).await.text;
    for mark in ["U+202E", "U+200B", "U+E0041", "U+001B"] {
        assert!(
            text.contains(&format!("<span class=\"mark\">{mark}</span>")),
            "{mark}"
        );
    }
    assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'));
}

#[tokio::test]
async fn decisions_are_data_in_the_list_and_alone() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let org: uuid::Uuid = world.db.value("select id from organisations").await;
    let user: uuid::Uuid = world.db.value("select id from users").await;
    let scope = domain::Scope {
        org: domain::OrgId::from_uuid(org),
        actor: domain::Actor::Member(domain::UserId::from_uuid(user)),
        role: domain::Role::Owner,
        auditor: false,
    };
    let mut decision = support::decision(
        &scope,
        domain::ServerId::generate(),
        domain::GrantId::generate(),
    );
    decision.outcome = Outcome::Deny;
    decision.code = Code::UnknownTool;
    decision.tool = Some(MARKUP.to_owned());
    decision.client = Some(HIDDEN.to_owned());
    decision.message = format!("Unknown tool: {MARKUP}");
    decision.shadow = vec![Shadow {
        code: Code::DenyIf,
        rule: MARKUP.to_owned(),
    }];
    let id = decision.id;
    store::audit::insert(&world.db.gateway, &[Record::Decided(Box::new(decision))])
        .await
        .expect("stored");
    for page in [
        "/audit".to_owned(),
        "/audit?shadow=yes".to_owned(),
        format!("/audit/{id}"),
        "/overview".to_owned(),
    ] {
        let text = ada.get(&page).await.is(200).text.clone();
        assert!(text.contains("&lt;script&gt;"), "{page}");
        assert!(
            !text.contains("<script>alert") && !text.contains("<img src=x"),
            "{page}"
        );
    }
    let alone = ada.get(&format!("/audit/{id}")).await.text;
    assert!(alone.contains(">U+202E<"));
    assert!(
        alone.contains("would have been refused</span> by"),
        "{alone}"
    );
    assert!(ada.get("/audit").await.text.contains("chip-shadow"));
    // The filter comes back in the page; so does nonsense in it.
    let evil =
        serde_urlencoded::to_string([("q", "\"><script>alert(1)</script>")]).expect("a pair");
    let text = ada
        .get(&format!("/audit?{evil}"))
        .await
        .is(200)
        .text
        .clone();
    assert!(!text.contains("<script>alert"));
}
