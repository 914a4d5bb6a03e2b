//! Another organisation's ids, at every function that takes one: the same answer as for an id that
//! never existed, after the same number of queries.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use domain::{ApiKeyId, EventId, GrantId, PolicyId, Scope, ServerId, ToolClass};
use store::{Db, DbRole, StoreError, api_keys, audit, grants, policies, servers};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::{
    servers::page,
    support::{TestDb, app_of, decided, decision, label, name, new_grant, now, policy},
};

/// Counts the statements that sqlx says it has sent.
struct Counter(Arc<AtomicUsize>);

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        // A transaction that is let go is rolled back by the pool, at a time of its own.
        let mut rollback = Rollback(false);
        event.record(&mut rollback);
        if !rollback.0 {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Rollback(bool);

impl Visit for Rollback {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 |= field.name() == "summary" && format!("{value:?}").contains("ROLLBACK");
    }
}

/// The ids that a stranger might try.
#[derive(Clone, Copy)]
struct Ids {
    server: ServerId,
    policy: PolicyId,
    grant: GrantId,
    key: ApiKeyId,
    event: EventId,
}

macro_rules! tries {
    ($queries:expr, $($what:ident => $call:expr,)*) => {{
        let mut tried = Vec::new();
        $(
            let before = $queries.load(Ordering::Relaxed);
            let answer = $call.await;
            let sent = $queries.load(Ordering::Relaxed) - before;
            let said = match answer {
                Err(StoreError::NotFound) => "not found".to_owned(),
                other => format!("{other:?}"),
            };
            tried.push((stringify!($what), said, sent));
        )*
        tried
    }};
}

async fn try_all(
    c: &Db,
    scope: &Scope,
    own: Ids,
    ids: Ids,
    queries: &AtomicUsize,
) -> Vec<(&'static str, String, usize)> {
    let found = servers::Discovery {
        tools: Vec::new(),
        server_name: None,
        server_version: None,
        protocol_version: None,
    };
    let with_policy = |policy| grants::NewGrant {
        policy: Some(policy),
        ..new_grant("x")
    };
    let attach = |policy| grants::GrantEdit {
        policy: Some(Some(policy)),
        ..grants::GrantEdit::default()
    };
    let edit = servers::ServerEdit {
        name: Some(name("mine")),
        ..servers::ServerEdit::default()
    };
    let zero = std::time::Duration::ZERO;
    tries!(queries,
        server_get => servers::get(c, scope, ids.server),
        server_update => servers::update(c, scope, ids.server, None, edit.clone()),
        server_update_stale => servers::update(c, scope, ids.server, Some(77), edit.clone()),
        server_delete => servers::delete(c, scope, ids.server, None),
        server_target => servers::target(c, scope, ids.server),
        server_tools => servers::tools(c, scope, ids.server),
        server_set_class => servers::set_class(c, scope, ids.server, "rerun_workflow", ToolClass::Read),
        server_discovery =>
            servers::record_discovery(c, scope.org, Some(scope), ids.server, &found),
        server_discovery_unasked => servers::record_discovery(c, scope.org, None, ids.server, &found),
        server_failure => servers::record_discovery_failure(c, scope.org, ids.server, "no"),
        policy_create => policies::create(c, scope, ids.server, &name("p"), &policy("x"), true),
        policy_list => policies::list(c, scope, ids.server, page(5)),
        policy_get => policies::get(c, scope, ids.policy),
        policy_rename => policies::rename(c, scope, ids.policy, None, &name("p")),
        policy_delete => policies::delete(c, scope, ids.policy, None),
        policy_add => policies::add_version(c, scope, ids.policy, None, &policy("x"), None),
        policy_versions => policies::versions(c, scope, ids.policy, page(5)),
        policy_version => policies::version(c, scope, ids.policy, 1),
        policy_publish => policies::publish(c, scope, ids.policy, None, 1),
        grant_issue => grants::issue(c, scope, ids.server, new_grant("x")),
        grant_issue_policy => grants::issue(c, scope, own.server, with_policy(ids.policy)),
        grant_list => grants::list(c, scope, Some(ids.server), page(5)),
        grant_get => grants::get(c, scope, ids.grant),
        grant_update => grants::update(c, scope, ids.grant, None, grants::GrantEdit::default()),
        grant_attach => grants::update(c, scope, own.grant, None, attach(ids.policy)),
        grant_revoke => grants::revoke(c, scope, ids.grant, None),
        grant_pause => grants::pause(c, scope, ids.grant, None),
        grant_resume => grants::resume(c, scope, ids.grant, None),
        grant_rotate => grants::rotate(c, scope, ids.grant, None, "k", now(), zero),
        grant_reveal => grants::note_reveal(c, scope, ids.grant),
        key_revoke => api_keys::revoke(c, scope, ids.key),
        event_get => audit::get(c, scope, ids.event),
    )
}

async fn furnish(db: &TestDb, scope: &Scope, hash: u8) -> Ids {
    let server = db.server(scope, "circleci").await;
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
    servers::record_discovery(&db.console, scope.org, None, server, &found)
        .await
        .expect("records");
    let made = policies::create(&db.console, scope, server, &name("p"), &policy("x"), true).await;
    let key = api_keys::create(
        &db.console,
        scope,
        &label("k"),
        domain::Role::Viewer,
        [hash; 32],
        None,
    )
    .await;
    let grant = db.grant(scope, server).await;
    let event = decision(scope, server, grant);
    audit::insert(&db.gateway, &[decided(&event)])
        .await
        .expect("inserts");
    Ids {
        server,
        policy: made.expect("a policy").id,
        grant,
        key: key.expect("a key").id,
        event: event.id,
    }
}

#[tokio::test]
async fn another_organisations_id_is_one_that_never_existed() {
    let db = TestDb::new().await;
    let victim = db.organisation("victim").await;
    let theirs = furnish(&db, &victim, 1).await;
    let attacker = db.organisation("attacker").await;
    let own = furnish(&db, &attacker, 2).await;
    let nothing = Ids {
        server: ServerId::generate(),
        policy: PolicyId::generate(),
        grant: GrantId::generate(),
        key: ApiKeyId::generate(),
        event: EventId::generate(),
    };
    let state = "select string_agg(t::text, '') from (
        select to_jsonb(s) from servers s union all select to_jsonb(p) from policies p
        union all select to_jsonb(g) from grants g union all select to_jsonb(t) from tools t
        union all select to_jsonb(k) from api_keys k union all select to_jsonb(o) from organisations o
        union all select to_jsonb(e) from admin_events e
        union all select to_jsonb(v) from policy_versions v) t";
    let before: String = db.value(state).await;

    // One connection, so that none is opened, and checked for its role, along the way.
    let console = Db::connect(&app_of(&db.url), DbRole::Console, 1)
        .await
        .expect("connects");
    let queries = Arc::new(AtomicUsize::new(0));
    // This test runs on one thread, so every statement of the store is seen.
    let guard = tracing::subscriber::set_default(Counter(Arc::clone(&queries)));
    let of_victim = try_all(&console, &attacker, own, theirs, &queries).await;
    let of_nobody = try_all(&console, &attacker, own, nothing, &queries).await;
    drop(guard);

    assert_eq!(of_victim, of_nobody);
    for (what, said, sent) in of_victim {
        assert_eq!(said, "not found", "{what}");
        assert!(sent >= 2, "{what}: the counter counts ({sent})");
    }
    let after: String = db.value(state).await;
    assert_eq!(before, after, "and nothing was changed");
    // Discovery for one organisation on behalf of an actor in another.
    let found = servers::Discovery {
        tools: Vec::new(),
        server_name: None,
        server_version: None,
        protocol_version: None,
    };
    let mixed = servers::record_discovery(
        &db.console,
        victim.org,
        Some(&attacker),
        theirs.server,
        &found,
    );
    assert!(matches!(mixed.await, Err(StoreError::NotFound)));
}
