//! Grants: their life, and what the audit log says of them.

use std::time::Duration;

use store::{StoreError, grants, grants::GrantState};

use crate::{
    servers::page,
    support::{TestDb, decided, decision, label, new_grant, now},
};

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
    assert_eq!((used.calls_24h, used.refusals_24h), (2, 1));
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
