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

use crate::support::{TestDb, name, new_grant, new_server, now, policy, run};

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
