//! Migrating: from nothing, again, by several at once, and by the owner that production has.

use sqlx::{Connection, PgConnection};
use store::{Db, DbRole, migrations};

use crate::support::{TestDb, fresh_name, run, server_url, url_of};

async fn empty_database(owner: Option<&str>) -> String {
    let server = server_url().await;
    let mut connection = PgConnection::connect(&server).await.expect("connects");
    let name = fresh_name();
    let owner = owner.map_or_else(String::new, |owner| format!(" owner {owner}"));
    run(&mut connection, &format!("create database {name}{owner}"))
        .await
        .expect("creates");
    url_of(&server, &name)
}

fn count() -> usize {
    std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations"))
        .expect("the migrations")
        .count()
}

#[tokio::test]
async fn the_second_time_there_is_nothing_to_do() {
    let url = empty_database(None).await;
    let missing = migrations::missing(&url).await.expect("looks");
    assert_eq!(missing.len(), count());
    assert_eq!(missing[0], "0001_roles");
    assert_eq!(migrations::run(&url).await.expect("migrates"), count());
    assert_eq!(
        migrations::missing(&url).await.expect("looks"),
        Vec::<String>::new()
    );
    assert_eq!(migrations::run(&url).await.expect("migrates"), 0);
}

#[tokio::test]
async fn of_replicas_that_race_one_migrates() {
    let url = empty_database(None).await;
    let racing: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { migrations::run(&url).await.expect("migrates") })
        })
        .collect();
    let mut applied = Vec::new();
    for run in racing {
        applied.push(run.await.expect("no panic"));
    }
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, count()]);
}

/// In production nobody is a superuser: the owner of the database migrates, and the application has
/// a login that may only take the two roles.
#[tokio::test]
async fn an_owner_who_may_create_roles_is_enough() {
    let server = server_url().await;
    let mut superuser = PgConnection::connect(&server).await.expect("connects");
    let owner = format!("{}_owner", fresh_name());
    let app = format!("{}_app", fresh_name());
    run(
        &mut superuser,
        &format!("create role {owner} login createrole nosuperuser"),
    )
    .await
    .expect("an owner");
    run(
        &mut superuser,
        &format!("create role {app} login noinherit"),
    )
    .await
    .expect("an app");
    let url = empty_database(Some(&owner)).await;
    let as_user = |user: &str| url.replacen("tollgate@", &format!("{user}@"), 1);

    let applied = migrations::run(&as_user(&owner))
        .await
        .expect("the owner migrates");
    assert_eq!(applied, count());

    let refused = Db::connect(&as_user(&app), DbRole::Console, 1).await;
    assert!(refused.is_err(), "a login without the role");
    let mut as_owner = PgConnection::connect(&as_user(&owner))
        .await
        .expect("connects");
    run(
        &mut as_owner,
        &format!("grant tollgate_console, tollgate_gateway to {app}"),
    )
    .await
    .expect("the owner may hand out the roles");
    for role in [DbRole::Console, DbRole::Gateway] {
        let db = Db::connect(&as_user(&app), role, 1)
            .await
            .expect("takes the role");
        db.ping().await.expect("answers");
        migrations::make_partitions(&db)
            .await
            .expect("either role may");
    }
    // What a stolen login reaches by itself: nothing.
    let mut as_app = PgConnection::connect(&as_user(&app))
        .await
        .expect("connects");
    for table in ["users", "servers", "audit_events", "signing_keys"] {
        let read = run(&mut as_app, &format!("select from {table}")).await;
        assert_eq!(
            crate::support::code(read),
            crate::support::DENIED,
            "{table}"
        );
    }
    run(&mut as_app, "set role tollgate_wall")
        .await
        .expect_err("not its role");
    run(&mut as_app, "set role tollgate_partitions")
        .await
        .expect_err("not its role");

    // Everything works that works for a superuser.
    let db = Db::connect(&as_user(&app), DbRole::Console, 2)
        .await
        .expect("connects");
    let user = store::accounts::create(&db, &crate::support::address("a@b.example"), "h", true)
        .await
        .expect("an account");
    store::organisations::create(
        &db,
        user,
        &crate::support::name("Acme"),
        &crate::support::slug("acme"),
    )
    .await
    .expect("an organisation");
    db.close().await;
    drop(as_owner.close().await);
    drop(as_app.close().await);
}

/// `RESET ROLE` and `DISCARD ALL` must not lead back to a login that may be the owner's.
#[tokio::test]
async fn a_connection_does_not_fall_back_to_its_login() {
    let db = TestDb::new().await;
    for role in [DbRole::Console, DbRole::Gateway] {
        let options = role.options(&db.url).expect("options");
        let mut connection = PgConnection::connect_with(&options)
            .await
            .expect("connects");
        for statement in ["reset role", "reset all", "discard all"] {
            run(&mut connection, statement).await.expect("resets");
            let now: String = sqlx::query_scalar("select current_user::text")
                .persistent(false)
                .fetch_one(&mut connection)
                .await
                .expect("answers");
            assert_eq!(now, role.as_str(), "{statement}");
        }
    }
}
