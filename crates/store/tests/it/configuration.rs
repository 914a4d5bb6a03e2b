//! What reaches the gateway: each change raises its organisation's version once, with its commit,
//! and a snapshot holds what calls need and no more.

use std::time::Duration;

use domain::{ServerId, ToolClass};
use store::{
    StoreError, grants, policies,
    routes::{self, Change, Changes},
    servers,
};
use tokio::time::timeout;

use crate::support::{
    TestDb, decided, decision, name, new_grant, new_server, now, policy, run, slug,
};

async fn version(db: &TestDb) -> i64 {
    routes::versions(&db.gateway).await.expect("reads")[0].1
}

/// The next change, or none within a fifth of a second.
async fn heard(changes: &mut Changes) -> Option<Change> {
    match timeout(Duration::from_millis(200), changes.next()).await {
        Ok(change) => Some(change.expect("hears")),
        Err(_) => None,
    }
}

#[tokio::test]
async fn every_change_raises_the_version_by_one_and_is_heard() {
    let db = TestDb::new().await;
    let mut changes = Changes::listen(&db.url).await.expect("listens");
    let scope = db.organisation("acme").await;
    let first = changes.next().await.expect("hears");
    assert_eq!(first, Change::Config(scope.org, 1));
    let c = &db.console;
    let found = servers::Discovery {
        tools: vec![domain::Tool {
            name: "rerun_workflow".into(),
            title: None,
            description: None,
            definition: "{}".into(),
            class: None,
        }],
        server_name: None,
        server_version: None,
        protocol_version: None,
    };
    let new = new_server("ci");
    let server = new.id;
    let grant = new_grant("agent");
    let id = grant.id;
    let mut expected = 1;
    macro_rules! raises {
        ($call:expr) => {{
            let answer = $call.await.expect(stringify!($call));
            expected += 1;
            let change = changes.next().await.expect("hears");
            assert_eq!(
                change,
                Change::Config(scope.org, expected),
                stringify!($call)
            );
            assert_eq!(version(&db).await, expected, stringify!($call));
            answer
        }};
    }
    raises!(servers::create(c, &scope, new));
    raises!(servers::update(
        c,
        &scope,
        server,
        None,
        servers::ServerEdit::default()
    ));
    raises!(servers::record_discovery(
        c, scope.org, None, server, &found
    ));
    raises!(servers::set_class(
        c,
        &scope,
        server,
        "rerun_workflow",
        ToolClass::Read
    ));
    let made = raises!(policies::create(
        c,
        &scope,
        server,
        &name("p"),
        &policy("x"),
        true
    ))
    .id;
    raises!(policies::rename(c, &scope, made, None, &name("q")));
    policies::add_version(c, &scope, made, None, &policy("y"), None)
        .await
        .expect("adds");
    raises!(policies::publish(c, &scope, made, None, 2));
    raises!(grants::issue(c, &scope, server, grant));
    raises!(grants::update(
        c,
        &scope,
        id,
        None,
        grants::GrantEdit::default()
    ));
    raises!(grants::pause(c, &scope, id, None));
    raises!(grants::resume(c, &scope, id, None));
    raises!(grants::rotate(
        c,
        &scope,
        id,
        None,
        "k",
        now(),
        Duration::ZERO
    ));
    grants::note_reveal(c, &scope, id).await.expect("notes");
    raises!(grants::revoke(c, &scope, id, None));
    raises!(policies::delete(c, &scope, made, None));
    raises!(servers::delete(c, &scope, server, None));
    assert_eq!(heard(&mut changes).await, None);

    // Each of them is an admin event as well, made in the same transaction.
    let events: i64 = db.value("select count(*) from admin_events").await;
    assert_eq!(events, expected + 2, "and the version and the reveal");
}

#[tokio::test]
async fn what_fails_or_changes_nothing_is_not_heard() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "ci").await;
    let grant = db.grant(&scope, server).await;
    let c = &db.console;
    let made = policies::create(c, &scope, server, &name("p"), &policy("x"), true).await;
    let made = made.expect("a policy").id;
    let attach = grants::GrantEdit {
        policy: Some(Some(made)),
        ..grants::GrantEdit::default()
    };
    grants::update(c, &scope, grant, None, attach)
        .await
        .expect("attaches");
    let before = version(&db).await;
    let events: i64 = db.value("select count(*) from admin_events").await;
    let mut changes = Changes::listen(&db.url).await.expect("listens");

    let taken = servers::create(c, &scope, new_server("ci")).await;
    assert!(matches!(taken, Err(StoreError::Taken { .. })));
    let edit = servers::ServerEdit {
        name: Some(name("mine")),
        ..servers::ServerEdit::default()
    };
    let stale = servers::update(c, &scope, server, Some(9), edit).await;
    assert!(matches!(stale, Err(StoreError::Stale)));
    let used = policies::delete(c, &scope, made, None).await;
    assert!(matches!(used, Err(StoreError::Conflict(_))));
    let missing = servers::delete(c, &scope, ServerId::generate(), None).await;
    assert!(matches!(missing, Err(StoreError::NotFound)));
    policies::publish(c, &scope, made, None, 1)
        .await
        .expect("is published already");
    grants::resume(c, &scope, grant, None)
        .await
        .expect("is not paused");
    // Cut off in the middle: the future is dropped before its commit.
    let mut blocker = db.connect_as("tollgate").await;
    run(&mut blocker, "begin; lock table admin_events")
        .await
        .expect("locks");
    let cut = timeout(
        Duration::from_millis(150),
        servers::create(c, &scope, new_server("cut-off")),
    );
    assert!(cut.await.is_err());
    run(&mut blocker, "commit").await.expect("unlocks");

    routes::request_refresh(&db.gateway, server)
        .await
        .expect("asks");
    let next = changes.next().await.expect("hears");
    assert_eq!(next, Change::Refresh(server), "nothing came before");
    assert_eq!(heard(&mut changes).await, None);
    assert_eq!(version(&db).await, before);
    assert_eq!(
        db.value::<i64>("select count(*) from admin_events").await,
        events
    );
    assert_eq!(db.value::<i64>("select count(*) from servers").await, 1);
}

#[tokio::test]
async fn a_change_is_heard_with_its_commit_and_not_before() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let mut changes = Changes::listen(&db.url).await.expect("listens");
    let mut blocker = db.connect_as("tollgate").await;
    run(&mut blocker, "begin; lock table admin_events")
        .await
        .expect("locks");
    let console = db.console.clone();
    let change = tokio::spawn(async move {
        servers::create(&console, &scope, new_server("ci"))
            .await
            .expect("a server")
            .id
    });
    assert_eq!(
        heard(&mut changes).await,
        None,
        "the change waits before its commit"
    );
    assert_eq!(version(&db).await, 1);
    run(&mut blocker, "commit").await.expect("unlocks");
    assert_eq!(
        changes.next().await.expect("hears"),
        Change::Config(scope.org, 2)
    );
    // Whoever hears of a version can read it.
    let snapshot = routes::snapshot(&db.gateway, scope.org)
        .await
        .expect("reads")
        .expect("there");
    assert_eq!((snapshot.version, snapshot.servers.len()), (2, 1));
    change.await.expect("no panic");
}

#[tokio::test]
async fn a_broken_connection_is_an_error_and_not_silence() {
    let db = TestDb::new().await;
    let mut changes = Changes::listen(&db.url).await.expect("listens");
    db.admin(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where query ilike 'listen%' and datname = current_database()",
    )
    .await;
    let answer = timeout(Duration::from_secs(5), changes.next())
        .await
        .expect("at once");
    assert!(matches!(answer, Err(StoreError::Database(_))), "{answer:?}");
    // Rubbish on the channel is passed over.
    let mut changes = Changes::listen(&db.url).await.expect("listens");
    db.admin("notify tollgate_config, 'rubbish'; notify tollgate_refresh, ''")
        .await;
    db.admin("notify tollgate_keys").await;
    assert_eq!(changes.next().await.expect("hears"), Change::Keys);
}

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
