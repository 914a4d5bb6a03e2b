//! The installation's keys, and API keys.

use domain::{Actor, Role, Scope};
use store::{StoreError, api_keys, keys, routes};

use crate::support::{DENIED, TestDb, code, label, now, run};

#[tokio::test]
async fn of_two_first_keys_one_wins() {
    let db = TestDb::new().await;
    let (a, b) = tokio::join!(
        keys::add_data_key(&db.console, "k1", b"one"),
        keys::add_data_key(&db.console, "k2", b"two"),
    );
    a.expect("adds");
    b.expect("is left out");
    let data_keys = keys::data_keys(&db.console).await.expect("reads");
    assert_eq!(data_keys.len(), 1);
    assert_eq!(
        keys::data_keys(&db.gateway).await.expect("reads")[0].kid,
        data_keys[0].kid
    );

    // Later, the next one comes first in the list.
    db.admin("update data_keys set created_at = created_at - interval '11 seconds'")
        .await;
    keys::add_data_key(&db.console, "k3", b"three")
        .await
        .expect("adds");
    let data_keys = keys::data_keys(&db.console).await.expect("reads");
    assert_eq!((data_keys.len(), data_keys[0].kid.as_str()), (2, "k3"));
}

#[tokio::test]
async fn the_gateway_verifies_and_cannot_sign() {
    let db = TestDb::new().await;
    let mut changes = routes::Changes::listen(&db.url).await.expect("listens");
    keys::add_signing_key(&db.console, "s1", b"sealed", [7; 32])
        .await
        .expect("adds");
    assert_eq!(changes.next().await.expect("hears"), routes::Change::Keys);
    assert_eq!(
        keys::signing_keys(&db.console).await.expect("reads")[0].sealed,
        b"sealed"
    );
    for role in [&db.gateway, &db.console] {
        let public = keys::verifying_keys(role).await.expect("reads");
        assert_eq!(
            (public[0].kid.as_str(), public[0].public_key),
            ("s1", [7; 32])
        );
    }
    assert!(matches!(
        keys::signing_keys(&db.gateway).await,
        Err(StoreError::Database(_))
    ));
    let mint = keys::add_signing_key(&db.gateway, "s2", b"mine", [1; 32]).await;
    assert!(matches!(mint, Err(StoreError::Database(_))));
    assert!(
        keys::add_data_key(&db.gateway, "k9", b"mine")
            .await
            .is_err()
    );
    let mut gateway = db.connect_as("tollgate_gateway").await;
    for attack in [
        "select sealed from signing_keys",
        "select * from signing_keys",
        "select signing_keys from signing_keys",
        "update signing_keys set public_key = sealed",
        "copy signing_keys to stdout",
    ] {
        assert_eq!(code(run(&mut gateway, attack).await), DENIED, "{attack}");
    }
}

#[tokio::test]
async fn the_installation_has_one_id() {
    let db = TestDb::new().await;
    let id = keys::installation(&db.console).await.expect("reads");
    assert_eq!(keys::installation(&db.gateway).await.expect("reads"), id);
    let mut console = db.connect_as("tollgate_console").await;
    let other = run(
        &mut console,
        "update installation set id = gen_random_uuid()",
    )
    .await;
    assert_eq!(code(other), DENIED);
}

async fn make(db: &TestDb, scope: &Scope, role: Role, hash: u8) -> domain::ApiKeyId {
    api_keys::create(&db.console, scope, &label("ci"), role, [hash; 32], None)
        .await
        .expect("a key")
        .id
}

async fn find(db: &TestDb, hash: u8) -> Option<Scope> {
    api_keys::find(&db.console, [hash; 32])
        .await
        .expect("looks")
}

#[tokio::test]
async fn a_key_acts_for_its_organisation_and_is_cut_to_its_maker() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let key = make(&db, &scope, Role::Admin, 1).await;
    let found = find(&db, 1).await.expect("is there");
    assert_eq!(found.org, scope.org);
    assert_eq!(found.role, Role::Admin);
    assert!(!found.auditor);
    assert_eq!(
        found.actor,
        Actor::Key {
            key,
            maker: scope.actor.user()
        }
    );
    let used = api_keys::list(&db.console, &scope, crate::servers::page(10))
        .await
        .expect("lists");
    assert!(used.items[0].last_used_at.is_some());
    assert!(find(&db, 2).await.is_none());

    db.admin("update memberships set role = 'viewer', auditor = true")
        .await;
    let demoted = find(&db, 1).await.expect("is there");
    assert_eq!((demoted.role, demoted.auditor), (Role::Viewer, false));

    db.admin("delete from memberships").await;
    assert!(find(&db, 1).await.is_none());
    let left: i64 = db.value("select count(*) from api_keys").await;
    assert_eq!(left, 0, "the key does not wait for its maker to come back");
}

#[tokio::test]
async fn a_key_ends() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let key = make(&db, &scope, Role::Viewer, 1).await;
    api_keys::revoke(&db.console, &scope, key)
        .await
        .expect("revokes");
    api_keys::revoke(&db.console, &scope, key)
        .await
        .expect("stays revoked");
    assert!(find(&db, 1).await.is_none());
    let soon = Some(now() - time::Duration::SECOND);
    api_keys::create(
        &db.console,
        &scope,
        &label("old"),
        Role::Viewer,
        [2; 32],
        soon,
    )
    .await
    .expect("a key");
    assert!(find(&db, 2).await.is_none());
    let events: i64 = db
        .value("select count(*) from admin_events where action = 'api_key.revoke'")
        .await;
    assert_eq!(events, 1);
}

#[tokio::test]
async fn no_key_gets_above_its_maker_or_makes_keys() {
    let db = TestDb::new().await;
    let owner = db.organisation("acme").await;
    let manager = Scope {
        role: Role::PolicyManager,
        ..owner
    };
    let key = Scope {
        actor: Actor::Key {
            key: domain::ApiKeyId::generate(),
            maker: owner.actor.user(),
        },
        ..owner
    };
    for (scope, role) in [
        (owner, Role::Owner),
        (manager, Role::Admin),
        (key, Role::Viewer),
    ] {
        let made = api_keys::create(&db.console, &scope, &label("x"), role, [1; 32], None).await;
        assert!(matches!(made, Err(StoreError::Conflict(_))), "{made:?}");
    }
    let made: i64 = db.value("select count(*) from api_keys").await;
    assert_eq!(made, 0);
}
