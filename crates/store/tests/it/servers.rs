//! Servers and their inventories.

use std::sync::Arc;

use domain::{Tool, ToolClass};
use store::{
    PageRequest, StoreError, servers,
    servers::{Discovery, SealedHeaders, ServerEdit},
};

use crate::support::{TestDb, name, new_server, slug};

pub(crate) fn page(limit: u16) -> PageRequest {
    PageRequest { limit, after: None }
}

fn tool(name: &str, description: &str, class: Option<ToolClass>) -> Tool {
    Tool {
        name: name.into(),
        title: None,
        description: Some(description.into()),
        definition: format!(r#"{{"name": "{name}", "description": "{description}"}}"#),
        class,
    }
}

fn discovery(tools: Vec<Tool>) -> Discovery {
    Discovery {
        tools,
        server_name: Some("circleci".into()),
        server_version: Some("1.0".into()),
        protocol_version: Some("2025-11-25".into()),
    }
}

#[tokio::test]
async fn a_server_is_edited_and_its_credential_replaced() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let new = servers::NewServer {
        headers: Some(SealedHeaders {
            names: vec!["Authorization".into()],
            sealed: b"sealed-one".to_vec(),
        }),
        catalog: Some(slug("circleci")),
        ..new_server("ci")
    };
    let id = new.id;
    let made = servers::create(&db.console, &scope, new)
        .await
        .expect("a server");
    assert_eq!(made.header_names, ["Authorization"]);
    assert_eq!(made.credential_set_by, Some(scope.actor.user()));
    assert!(made.credential_set_at.is_some() && !made.fail_open);
    let target = servers::target(&db.console, &scope, id)
        .await
        .expect("a target");
    assert_eq!(target.credential.as_deref(), Some(&b"sealed-one"[..]));
    assert_eq!(target.catalog, Some(slug("circleci")));

    // An edit of something else leaves the credential alone.
    let edit = ServerEdit {
        name: Some(name("Renamed")),
        fail_open: Some(true),
        ..ServerEdit::default()
    };
    let edited = servers::update(&db.console, &scope, id, Some(1), edit)
        .await
        .expect("edits");
    assert_eq!(
        (edited.name.as_str(), edited.fail_open, edited.revision),
        ("Renamed", true, 2)
    );
    assert_eq!(edited.credential_set_at, made.credential_set_at);

    // Another origin takes it away.
    let edit = ServerEdit {
        upstream_url: Some("https://other.example/mcp?key=hidden".into()),
        headers: Some(None),
        ..ServerEdit::default()
    };
    let edited = servers::update(&db.console, &scope, id, None, edit)
        .await
        .expect("edits");
    assert_eq!(
        (edited.header_names.len(), edited.credential_set_at),
        (0, None)
    );
    assert_eq!(edited.credential_set_by, None);
    assert_eq!(
        servers::target(&db.console, &scope, id)
            .await
            .expect("a target")
            .credential,
        None
    );

    // Nothing secret is in the admin events.
    let events: String = db
        .value("select string_agg(e::text, ' ') from admin_events e")
        .await;
    assert!(
        !events.contains("sealed") && !events.contains("hidden"),
        "{events}"
    );
    assert!(
        !events.contains(
            &"sealed-one"
                .bytes()
                .map(|b| format!("{b:02x}"))
                .collect::<String>()
        )
    );
}

#[tokio::test]
async fn a_servers_slug_stays_taken_for_a_year() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let other = db.organisation("other").await;
    let id = db.server(&scope, "ci").await;
    let create = async |scope| {
        servers::create(&db.console, scope, new_server("ci"))
            .await
            .map(|server| server.id)
    };
    let taken = |result: &Result<_, _>| matches!(result, Err(StoreError::Taken { field: "slug" }));
    assert!(taken(&create(&scope).await));
    create(&other).await.expect("each organisation has its own");

    let rename = async |id, to: &str| {
        let edit = ServerEdit {
            slug: Some(slug(to)),
            ..ServerEdit::default()
        };
        servers::update(&db.console, &scope, id, None, edit)
            .await
            .map(|server| server.id)
    };
    rename(id, "ci-new").await.expect("moves");
    assert!(
        taken(&create(&scope).await),
        "an old client would reach another server"
    );
    rename(id, "ci")
        .await
        .expect("the server itself may go back");
    rename(id, "ci").await.expect("and stay");
    servers::delete(&db.console, &scope, id, None)
        .await
        .expect("deletes");
    assert!(taken(&create(&scope).await));
    db.admin(
        "update server_slugs set released_at = now() - interval '367 days'
              where released_at is not null",
    )
    .await;
    create(&scope).await.expect("free after a year");
    let second = db.server(&scope, "second").await;
    assert!(taken(&rename(second, "ci").await));
    let slug_now = servers::get(&db.console, &scope, second)
        .await
        .expect("reads")
        .slug;
    assert_eq!(slug_now, slug("second"), "a refused rename changes nothing");
}

#[tokio::test]
async fn of_editors_with_one_revision_one_wins() {
    let db = Arc::new(TestDb::new().await);
    let scope = db.organisation("acme").await;
    let id = db.server(&scope, "ci").await;
    let edits: Vec<_> = (0..12)
        .map(|i| {
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                let edit = ServerEdit {
                    name: Some(name(&format!("Editor {i}"))),
                    ..ServerEdit::default()
                };
                servers::update(&db.console, &scope, id, Some(1), edit).await
            })
        })
        .collect();
    let mut won = Vec::new();
    for edit in edits {
        match edit.await.expect("no panic") {
            Ok(server) => won.push(server.name),
            Err(StoreError::Stale) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let now = servers::get(&db.console, &scope, id).await.expect("reads");
    assert_eq!((won, now.revision), (vec![now.name], 2));
}

#[tokio::test]
async fn an_inventory_is_replaced_and_a_members_class_survives() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let id = db.server(&scope, "ci").await;
    let tools = async || {
        servers::tools(&db.console, &scope, id)
            .await
            .expect("reads")
    };
    let record = async |tools: Vec<Tool>| {
        servers::record_discovery(&db.console, scope.org, Some(&scope), id, &discovery(tools))
            .await
            .expect("records");
    };
    let version = async || -> i64 { db.value("select config_version from organisations").await };
    assert!(tools().await.is_none(), "never discovered");
    servers::record_discovery_failure(&db.console, scope.org, id, "It said \0 nothing.")
        .await
        .expect("notes");
    let failed = servers::get(&db.console, &scope, id).await.expect("reads");
    assert_eq!(
        failed.discovery_error.as_deref(),
        Some("It said \u{FFFD} nothing.")
    );
    assert!(tools().await.is_none(), "a failure is no inventory");

    record(vec![]).await;
    assert!(tools().await.expect("an inventory").is_empty());

    record(vec![
        tool("rerun", "reruns", Some(ToolClass::Execute)),
        tool("list", "lists", Some(ToolClass::Read)),
        tool("list", "the second of that name", None),
        tool("re\0run", "poses as rerun", None),
    ])
    .await;
    let now = tools().await.expect("an inventory");
    let names: Vec<_> = now.iter().map(|t| t.tool.name.as_str()).collect();
    assert_eq!(names, ["list", "rerun", "re\u{FFFD}run"]);
    assert_eq!(now[0].tool.description.as_deref(), Some("lists"));
    let server = servers::get(&db.console, &scope, id).await.expect("reads");
    assert_eq!((server.tool_count, server.discovery_error), (3, None));
    assert_eq!(server.server_name.as_deref(), Some("circleci"));

    let set = servers::set_class(&db.console, &scope, id, "list", ToolClass::Write).await;
    assert!(set.expect("sets").class_set_by_member);
    assert!(matches!(
        servers::set_class(&db.console, &scope, id, "nothing", ToolClass::Read).await,
        Err(StoreError::NotFound)
    ));
    assert!(matches!(
        servers::set_class(&db.console, &scope, id, "li\0st", ToolClass::Read).await,
        Err(StoreError::NotFound)
    ));

    // The upstream leaves the tool out, and brings it back changed.
    let fingerprint = now[0].fingerprint.clone();
    record(vec![tool("rerun", "reruns", Some(ToolClass::Execute))]).await;
    assert_eq!(tools().await.expect("an inventory").len(), 1);
    let there = servers::get(&db.console, &scope, id)
        .await
        .expect("reads")
        .tool_count;
    assert_eq!(there, 1);
    let changed = vec![
        tool("rerun", "reruns", Some(ToolClass::Destructive)),
        tool("list", "lists more", Some(ToolClass::Read)),
    ];
    record(changed.clone()).await;
    let now = tools().await.expect("an inventory");
    assert_eq!(now[0].tool.class, Some(ToolClass::Write));
    assert!(now[0].class_set_by_member);
    assert_ne!(now[0].fingerprint, fingerprint);
    assert_eq!(now[0].fingerprint.len(), 64);
    assert_eq!(
        now[1].tool.class,
        Some(ToolClass::Destructive),
        "the catalogue's follows it"
    );

    // The same again is no change.
    let (before, events): (i64, i64) = (
        version().await,
        db.value("select count(*) from admin_events").await,
    );
    record(changed).await;
    assert_eq!(version().await, before);
    assert_eq!(
        db.value::<i64>("select count(*) from admin_events").await,
        events
    );
}

/// An upstream may call its tools what it likes; neither length nor content may stop discovery.
#[tokio::test]
async fn no_tool_name_is_too_long_to_list() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let id = db.server(&scope, "ci").await;
    let noise: String = (0..40_000_u32)
        .filter_map(|i| char::from_u32(0x4E00 + i % 20_000))
        .collect();
    let names = [
        noise.clone(),
        format!("{noise}x"),
        String::new(),
        "a b\n'\"\\".into(),
    ];
    let found = discovery(
        names
            .iter()
            .map(|name| Tool {
                definition: "no json \0".into(),
                ..tool(name, "", None)
            })
            .collect(),
    );
    servers::record_discovery(&db.console, scope.org, None, id, &found)
        .await
        .expect("records");
    let listed = servers::tools(&db.console, &scope, id)
        .await
        .expect("reads")
        .expect("there");
    assert_eq!(listed.len(), 4);
    let by: Option<String> = db
        .value("select actor_label from admin_events where action = 'server.discover'")
        .await;
    assert_eq!(by.as_deref(), Some("Tollgate"));
}
