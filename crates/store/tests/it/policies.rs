//! Policies and their versions.

use std::sync::Arc;

use store::{StoreError, grants, policies};

use crate::{
    servers::page,
    support::{TestDb, name, new_grant, policy},
};

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
