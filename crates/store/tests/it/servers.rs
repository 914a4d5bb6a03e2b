//! Servers, their inventories, policies and grants.

use std::{sync::Arc, time::Duration};

use domain::{Tool, ToolClass};
use store::{
    PageRequest, StoreError, admin_events, grants,
    grants::GrantState,
    organisations, policies, servers,
    servers::{Discovery, SealedHeaders, ServerEdit},
};

use crate::support::{
    TestDb, decided, decision, label, name, new_grant, new_server, now, policy, slug,
};

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

#[tokio::test]
async fn lists_page_by_key() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let mut made = Vec::new();
    for i in 0..7 {
        made.push(db.server(&scope, &format!("server-{i}")).await);
    }
    made.reverse();
    let mut seen = Vec::new();
    let mut request = page(3);
    loop {
        let got = servers::list(&db.console, &scope, request.clone())
            .await
            .expect("lists");
        assert!(got.items.len() <= 3);
        seen.extend(got.items.iter().map(|server| server.id));
        match got.next {
            Some(after) => request.after = Some(after),
            None => break,
        }
    }
    assert_eq!(seen, made);
    let events = admin_events::list(&db.console, &scope, page(3))
        .await
        .expect("lists");
    let actions: Vec<_> = events
        .items
        .iter()
        .map(|event| event.action.as_str())
        .collect();
    assert_eq!(actions, ["server.create"; 3]);
    assert_eq!(events.items[0].actor, Some(scope.actor));
    assert_eq!(events.items[0].actor_label, "owner@acme.example");
    assert_eq!(events.items[0].target, made[0].to_string());
    assert!(events.items[0].before.is_none() && events.items[0].after.is_some());
    assert!(events.next.is_some());
    let got = organisations::get(&db.console, &scope)
        .await
        .expect("reads");
    assert_eq!((got.slug, got.suspended_at), (slug("acme"), None));
}

#[tokio::test]
async fn versions_have_neither_gaps_nor_twins() {
    let db = Arc::new(TestDb::new().await);
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "ci").await;
    let made = policies::create(&db.console, &scope, server, &name("p"), &policy("1"), false)
        .await
        .expect("a policy");
    assert_eq!(made.published_version, None);
    let id = made.id;
    let writers: Vec<_> = (0..20)
        .map(|i| {
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                let text = policy(&format!("writer {i}"));
                let made = policies::add_version(&db.console, &scope, id, None, &text, Some("n"))
                    .await
                    .expect("adds");
                let now = policies::publish(&db.console, &scope, id, None, made.version)
                    .await
                    .expect("publishes");
                assert_eq!(now.published_version, Some(made.version));
                made.version
            })
        })
        .collect();
    let mut versions = Vec::new();
    for writer in writers {
        versions.push(writer.await.expect("no panic"));
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..=21).collect::<Vec<_>>());
    let mut request = page(8);
    let mut listed = Vec::new();
    loop {
        let got = policies::versions(&db.console, &scope, id, request.clone())
            .await
            .expect("lists");
        listed.extend(got.items.iter().map(|version| version.version));
        match got.next {
            Some(after) => request.after = Some(after),
            None => break,
        }
    }
    assert_eq!(listed, (1..=21).rev().collect::<Vec<_>>());
    let published: i64 = db
        .value(
            "select count(*) from policy_versions v join policies p on p.id = v.policy_id
                and p.published_version = v.version",
        )
        .await;
    assert_eq!(published, 1);
}

#[tokio::test]
async fn an_older_version_is_published_again() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "ci").await;
    let c = &db.console;
    let made = policies::create(c, &scope, server, &name("p"), &policy("one"), true).await;
    let made = made.expect("a policy");
    assert_eq!((made.published_version, made.revision), (Some(1), 1));
    let same_name = policies::create(c, &scope, server, &name("p"), &policy("one"), true).await;
    assert!(matches!(
        same_name,
        Err(StoreError::Taken { field: "name" })
    ));

    let second = policies::add_version(c, &scope, made.id, Some(1), &policy("two"), Some("a\0b"))
        .await
        .expect("adds");
    assert_eq!((second.version, second.published), (2, false));
    assert_eq!(second.note.as_deref(), Some("a\u{FFFD}b"));
    assert_eq!(
        second.created_by_email.as_deref(),
        Some("owner@acme.example")
    );
    assert_eq!(second.document, policy("two").text());
    let stale = policies::publish(c, &scope, made.id, Some(1), 2).await;
    assert!(matches!(stale, Err(StoreError::Stale)));
    policies::publish(c, &scope, made.id, Some(2), 2)
        .await
        .expect("publishes");
    let back = policies::publish(c, &scope, made.id, Some(3), 1)
        .await
        .expect("rolls back");
    assert_eq!(
        (back.published_version, back.latest_version, back.revision),
        (Some(1), 2, 4)
    );
    for missing in [0, 3, -1, i32::MAX] {
        let none = policies::publish(c, &scope, made.id, None, missing).await;
        assert!(matches!(none, Err(StoreError::NotFound)), "{missing}");
    }
    let first = policies::version(c, &scope, made.id, 1)
        .await
        .expect("reads");
    assert!(first.published && first.document == policy("one").text());
}

#[tokio::test]
async fn a_policy_in_use_stays() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "ci").await;
    let c = &db.console;
    let made = policies::create(c, &scope, server, &name("p"), &policy("x"), true).await;
    let id = made.expect("a policy").id;
    let new = grants::NewGrant {
        policy: Some(id),
        ..new_grant("agent")
    };
    let grant = grants::issue(c, &scope, server, new)
        .await
        .expect("a grant");
    assert_eq!(grant.policy_name.as_deref(), Some("p"));
    assert_eq!(
        policies::get(c, &scope, id)
            .await
            .expect("reads")
            .grant_count,
        1
    );
    let refused = policies::delete(c, &scope, id, None).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    grants::revoke(c, &scope, grant.id, None)
        .await
        .expect("revokes");
    policies::delete(c, &scope, id, None)
        .await
        .expect("deletes");
    let grant = grants::get(c, &scope, grant.id).await.expect("stays");
    assert_eq!((grant.policy, grant.policy_name), (None, None));
    assert!(matches!(
        policies::get(c, &scope, id).await,
        Err(StoreError::NotFound)
    ));
    let versions: i64 = db.value("select count(*) from policy_versions").await;
    assert_eq!(versions, 0);
}

#[tokio::test]
async fn a_grants_life() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "ci").await;
    let c = &db.console;
    let issued_at = now().replace_nanosecond(0).expect("whole seconds");
    let expires_at = issued_at + time::Duration::days(90);
    let new = grants::NewGrant {
        identity: Some("ci-runner".parse().expect("an identity")),
        labels: vec![("team".into(), "a\0".into()), ("env".into(), "prod".into())],
        issued_at,
        expires_at: Some(expires_at),
        ..new_grant("agent")
    };
    let made = grants::issue(c, &scope, server, new)
        .await
        .expect("a grant");
    let id = made.id;
    assert_eq!(
        made.labels,
        [
            ("env".into(), "prod".into()),
            ("team".to_owned(), "a\u{FFFD}".to_owned())
        ]
    );
    assert_eq!(
        (made.state, made.token_version, made.revision),
        (GrantState::Active, 1, 1)
    );
    assert_eq!(
        (made.issued_at, made.expires_at),
        (issued_at, Some(expires_at))
    );
    assert_eq!(
        (made.server_name.as_str(), made.created_by),
        ("ci", Some(scope.actor.user()))
    );

    let paused = grants::pause(c, &scope, id, Some(1)).await.expect("pauses");
    assert_eq!((paused.state, paused.revision), (GrantState::Paused, 2));
    assert_eq!(
        grants::pause(c, &scope, id, None)
            .await
            .expect("stays")
            .revision,
        2
    );
    let resumed = grants::resume(c, &scope, id, None).await.expect("resumes");
    assert_eq!((resumed.state, resumed.revision), (GrantState::Active, 3));

    let overlap = Duration::from_secs(60);
    let later = issued_at + time::Duration::HOUR;
    let rotated = grants::rotate(c, &scope, id, Some(3), "k2", later, overlap).await;
    let rotated = rotated.expect("rotates");
    assert_eq!((rotated.token_version, rotated.kid.as_str()), (2, "k2"));
    assert_eq!(
        (rotated.issued_at, rotated.expires_at),
        (later, Some(expires_at))
    );
    let seen: bool = db
        .value(
            "select previous_version = 1 and previous_until between now() + interval '55 s'
                and now() + interval '60 s' from grants",
        )
        .await;
    assert!(seen);
    grants::rotate(c, &scope, id, None, "k2", later, Duration::ZERO)
        .await
        .expect("rotates");
    let none: bool = db
        .value("select previous_version is null from grants")
        .await;
    assert!(none, "without an overlap the old token ends at once");

    let edit = grants::GrantEdit {
        label: Some(label("renamed")),
        identity: Some(None),
        labels: Some(vec![]),
        ..grants::GrantEdit::default()
    };
    let edited = grants::update(c, &scope, id, None, edit)
        .await
        .expect("edits");
    assert_eq!(
        (edited.label.as_str(), edited.identity, edited.labels.len()),
        ("renamed", None, 0)
    );
    assert_eq!(
        grants::note_reveal(c, &scope, id)
            .await
            .expect("notes")
            .revision,
        edited.revision
    );

    db.admin("update grants set expires_at = now() - interval '1 s'")
        .await;
    assert_eq!(
        grants::get(c, &scope, id).await.expect("reads").state,
        GrantState::Expired
    );
    let rotated = grants::rotate(c, &scope, id, None, "k2", later, overlap).await;
    assert!(matches!(rotated, Err(StoreError::Conflict(_))));
    let revoked = grants::revoke(c, &scope, id, None).await.expect("revokes");
    assert_eq!(revoked.state, GrantState::Revoked);
    let again = grants::revoke(c, &scope, id, None).await.expect("stays");
    assert_eq!(again.revoked_at, revoked.revoked_at);
    for refused in [
        grants::resume(c, &scope, id, None).await,
        grants::pause(c, &scope, id, None).await,
        grants::update(c, &scope, id, None, grants::GrantEdit::default()).await,
        grants::rotate(c, &scope, id, None, "k2", later, overlap).await,
        grants::note_reveal(c, &scope, id).await,
    ] {
        assert!(
            matches!(refused, Err(StoreError::Conflict(_))),
            "{refused:?}"
        );
    }
    let stale = grants::revoke(c, &scope, id, Some(1)).await;
    assert!(matches!(stale, Err(StoreError::Stale)));
    let actions: Vec<String> = sqlx::query_scalar(
        "select action from admin_events where action like 'grant.%' order by id",
    )
    .fetch_all(&db.admin)
    .await
    .expect("lists");
    assert_eq!(
        actions,
        [
            "issue", "pause", "resume", "rotate", "rotate", "update", "reveal", "revoke"
        ]
        .map(|action| format!("grant.{action}"))
    );
}

#[tokio::test]
async fn a_grants_list_says_how_it_was_used() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "ci").await;
    let quiet = db.grant(&scope, server).await;
    let busy = db.grant(&scope, server).await;
    let other_server = db.server(&scope, "other").await;
    let elsewhere = db.grant(&scope, other_server).await;
    let mut batch = Vec::new();
    for (n, hours, method, refused, client) in [
        (1, 30, "tools/call", true, "too old"),
        (2, 23, "tools/call", false, "older"),
        (3, 3, "tools/call", true, "old"),
        (4, 2, "tools/list", true, "old"),
        (5, 1, "tools/list", false, "claude-code 2.1"),
    ] {
        let mut event = decision(&scope, server, busy);
        event.id = crate::support::id_at(now() - time::Duration::hours(hours), n);
        event.method = method.into();
        event.client = Some(client.into());
        if refused {
            event.outcome = domain::audit::Outcome::Deny;
        }
        batch.push(decided(&event));
    }
    store::audit::insert(&db.gateway, &batch)
        .await
        .expect("inserts");
    let list = async |server| {
        grants::list(&db.console, &scope, server, page(10))
            .await
            .expect("lists")
            .items
    };
    let of_server = list(Some(server)).await;
    let ids: Vec<_> = of_server.iter().map(|grant| grant.id).collect();
    assert_eq!(ids, [busy, quiet]);
    let used = &of_server[0];
    assert_eq!((used.calls_24h, used.refusals_24h), (2, 2));
    assert_eq!(used.last_client.as_deref(), Some("claude-code 2.1"));
    let ago = now() - used.last_used_at.expect("used");
    assert!(
        ago > time::Duration::minutes(59) && ago < time::Duration::minutes(61),
        "{ago}"
    );
    assert_eq!(
        (of_server[1].calls_24h, of_server[1].last_used_at),
        (0, None)
    );
    let all: Vec<_> = list(None).await.iter().map(|grant| grant.id).collect();
    assert_eq!(all, [elsewhere, busy, quiet]);
}
