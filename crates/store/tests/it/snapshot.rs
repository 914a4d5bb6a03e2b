//! What a snapshot holds, and what is left when something is gone or broken.

use std::time::Duration;

use domain::ToolClass;
use store::{StoreError, grants, policies, routes, servers};

use crate::support::{TestDb, decided, decision, name, new_grant, new_server, now, policy, slug};

#[tokio::test]
async fn a_snapshot_holds_what_calls_need() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let other = db.organisation("other").await;
    db.server(&other, "theirs").await;
    let c = &db.console;
    let new = servers::NewServer {
        headers: Some(servers::SealedHeaders {
            names: vec!["X-Key".into()],
            sealed: b"sealed".to_vec(),
        }),
        ..new_server("ci")
    };
    let server = servers::create(c, &scope, new).await.expect("a server").id;
    let undiscovered = db.server(&scope, "new").await;
    let made = policies::create(c, &scope, server, &name("p"), &policy("one"), true).await;
    let made = made.expect("a policy").id;
    policies::add_version(c, &scope, made, None, &policy("two"), None)
        .await
        .expect("adds");
    policies::create(c, &scope, server, &name("draft"), &policy("x"), false)
        .await
        .expect("drafts");
    let tool = |name: &str| domain::Tool {
        name: name.into(),
        title: Some("T".into()),
        description: None,
        definition: "{}".into(),
        class: Some(ToolClass::Read),
    };
    let mut found = servers::Discovery {
        tools: vec![tool("b"), tool("a"), tool("gone")],
        server_name: None,
        server_version: None,
        protocol_version: None,
    };
    servers::record_discovery(c, scope.org, None, server, &found)
        .await
        .expect("records");
    servers::set_class(c, &scope, server, "gone", ToolClass::Write)
        .await
        .expect("sets");
    found.tools.pop();
    servers::record_discovery(c, scope.org, None, server, &found)
        .await
        .expect("records");

    let new = grants::NewGrant {
        policy: Some(made),
        labels: vec![("z".into(), "1".into()), ("long-key".into(), "2".into())],
        expires_at: Some(now() + time::Duration::HOUR),
        ..new_grant("agent")
    };
    let grant = grants::issue(c, &scope, server, new)
        .await
        .expect("a grant")
        .id;
    grants::rotate(c, &scope, grant, None, "k2", now(), Duration::from_secs(30))
        .await
        .expect("rotates");
    let paused = db.grant(&scope, server).await;
    grants::pause(c, &scope, paused, None)
        .await
        .expect("pauses");
    let revoked = db.grant(&scope, server).await;
    grants::revoke(c, &scope, revoked, None)
        .await
        .expect("revokes");
    let expired = grants::NewGrant {
        expires_at: Some(now() - time::Duration::SECOND),
        ..new_grant("old")
    };
    grants::issue(c, &scope, server, expired)
        .await
        .expect("a grant");
    db.admin("update organisations set suspended_at = now() where slug = 'acme'")
        .await;

    let snapshot = routes::snapshot(&db.gateway, scope.org)
        .await
        .expect("reads")
        .expect("there");
    assert_eq!((snapshot.org, snapshot.slug), (scope.org, slug("acme")));
    assert!(snapshot.suspended);
    let known = routes::versions(&db.gateway).await.expect("reads");
    assert!(known.contains(&(scope.org, snapshot.version)) && known.len() == 2);

    let ids: Vec<_> = snapshot.servers.iter().map(|server| server.id).collect();
    assert_eq!(
        ids,
        [server, undiscovered],
        "and none of the other organisation"
    );
    assert_eq!(
        snapshot.servers[0].credential.as_deref(),
        Some(&b"sealed"[..])
    );
    let inventory = snapshot.servers[0]
        .inventory
        .as_deref()
        .expect("discovered");
    assert_eq!(inventory, [tool("a"), tool("b")]);
    assert!(snapshot.servers[1].inventory.is_none() && snapshot.servers[1].credential.is_none());

    let ids: Vec<_> = snapshot.grants.iter().map(|grant| grant.id).collect();
    assert_eq!(ids, [grant, paused]);
    let rotated = &snapshot.grants[0];
    assert_eq!((rotated.token_version, rotated.policy), (2, Some(made)));
    assert_eq!(rotated.labels[0].0, "long-key", "sorted by key");
    let (old, until) = rotated.overlap.expect("an overlap");
    let now_ms = u64::try_from(now().unix_timestamp_nanos() / 1_000_000).expect("after 1970");
    assert!(old == 1 && until > now_ms + 20_000 && until <= now_ms + 30_000);
    assert!(rotated.expires_at_ms.is_some_and(|at| at > now_ms));
    assert!(!rotated.paused && snapshot.grants[1].paused);
    assert_eq!(snapshot.grants[1].expires_at_ms, None);

    assert_eq!(snapshot.policies.len(), 1, "a draft is not in force");
    let published = &snapshot.policies[0];
    assert_eq!((published.id, published.version), (made, 1));
    assert_eq!(&*published.document, policy("one").text());

    let nobody = routes::snapshot(&db.gateway, domain::OrgId::generate())
        .await
        .expect("reads");
    assert!(nobody.is_none());
}

#[tokio::test]
async fn a_row_that_does_not_parse_is_reported_by_name() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "ci").await;
    db.admin("update servers set slug = 'Not A Slug'").await;
    let broken = servers::get(&db.console, &scope, server).await;
    match broken {
        Err(StoreError::Corrupt { table, row, .. }) => {
            assert_eq!((table, row), ("servers", server.to_string()));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn deleting_a_server_leaves_its_history() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "ci").await;
    let grant = db.grant(&scope, server).await;
    policies::create(&db.console, &scope, server, &name("p"), &policy("x"), true)
        .await
        .expect("a policy");
    let event = decision(&scope, server, grant);
    store::audit::insert(&db.gateway, &[decided(&event)])
        .await
        .expect("inserts");
    servers::delete(&db.console, &scope, server, Some(1))
        .await
        .expect("deletes");
    for table in ["servers", "grants", "policies", "policy_versions", "tools"] {
        let left: i64 = db.value(&format!("select count(*) from {table}")).await;
        assert_eq!(left, 0, "{table}");
    }
    let kept = store::audit::get(&db.console, &scope, event.id)
        .await
        .expect("stays");
    assert_eq!(
        (kept.decision.server_name.as_str(), kept.decision.server),
        ("CircleCI", server)
    );
    let told = store::admin_events::list(&db.console, &scope, crate::servers::page(1)).await;
    let told = told.expect("lists").items.remove(0);
    assert_eq!((told.action.as_str(), told.after), ("server.delete", None));
    assert_eq!(told.before.expect("what was")["slug"], "ci");
}
