//! Organisations, their members, and what the admin events say.

use store::{admin_events, organisations, servers};

use crate::{
    servers::page,
    support::{TestDb, slug},
};

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
async fn members_are_listed_to_their_own() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let other = db.organisation("other").await;
    let newer = db.user("new@acme.example").await;
    let sql = format!(
        "insert into memberships (org_id, user_id, role, auditor)
         values ('{}', '{}', 'viewer', true)",
        scope.org.uuid(),
        newer.uuid()
    );
    db.admin(&sql).await;
    let members = async |scope, limit| {
        organisations::members(&db.console, scope, page(limit))
            .await
            .expect("lists")
    };
    let listed = members(&scope, 10).await.items;
    let told: Vec<_> = listed
        .iter()
        .map(|member| (member.email.as_str(), member.role, member.auditor))
        .collect();
    assert_eq!(
        told,
        [
            ("new@acme.example", domain::Role::Viewer, true),
            ("owner@acme.example", domain::Role::Owner, false),
        ]
    );
    let first = members(&scope, 1).await;
    assert_eq!(first.next, Some(newer.uuid()));
    let theirs = members(&other, 10).await.items;
    assert_eq!(theirs.len(), 1);
    assert_eq!(theirs[0].user, other.actor.user());
}

/// Somebody takes every name that numbering would lead to; the next organisation still gets one.
#[tokio::test]
async fn nobody_can_keep_others_from_a_name() {
    let db = TestDb::new().await;
    let user = db.user("ann@example.com").await;
    for number in 1..=30 {
        let taken = if number == 1 {
            slug("team")
        } else {
            slug("team").numbered(number)
        };
        db.organisation(taken.as_str()).await;
    }
    let name = "Team".parse().expect("a name");
    let made = organisations::create(&db.console, user, &name, &slug("team"))
        .await
        .expect("makes");
    let number = made.slug.as_str().strip_prefix("team-").expect("numbered");
    assert!(number.parse::<u32>().expect("a number") > 30, "{number}");
}
