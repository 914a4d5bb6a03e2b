//! The few ways across the wall: what they are, who may take them, and that they cannot be bent.

use sqlx::Row;
use store::{StoreError, accounts, migrations, organisations, servers, sessions};

use crate::support::{
    DENIED, TestDb, address, code, decided, decision, id_at, name, now, run, slug,
};

/// Every function that runs with rights other than its caller's, its owner and its callers.
#[tokio::test]
async fn the_list_is_this_short() {
    let db = TestDb::new().await;
    let rows = sqlx::query(
        "select p.proname::text, pg_get_userbyid(p.proowner)::text, p.proconfig::text[],
                array(select pg_get_userbyid(a.grantee)::text from aclexplode(p.proacl) a
                      where a.grantee <> p.proowner order by 1),
                p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0)
         from pg_proc p
         where p.prosecdef and p.pronamespace not in ('pg_catalog'::regnamespace,
                                                      'information_schema'::regnamespace)
         order by 1",
    )
    .fetch_all(&db.admin)
    .await
    .expect("lists");
    let mut names = Vec::new();
    for row in rows {
        let name: String = row.get(0);
        let owner: String = row.get(1);
        let config: Vec<String> = row.get(2);
        let callers: Vec<String> = row.get(3);
        assert!(!row.get::<bool, _>(4), "{name}: everybody may call it");
        assert_eq!(
            config[0], "search_path=pg_catalog, public, pg_temp",
            "{name}"
        );
        if name.starts_with("audit_partitions_") {
            assert_eq!(owner, "tollgate_partitions", "{name}");
        } else {
            assert_eq!(owner, "tollgate_wall", "{name}");
        }
        if name == "audit_partitions_make" {
            assert_eq!(callers, ["tollgate_console", "tollgate_gateway"], "{name}");
        } else {
            assert_eq!(callers, ["tollgate_console"], "{name}");
        }
        names.push(name);
    }
    assert_eq!(
        names,
        [
            "account_create",
            "account_credentials",
            "account_mark_verified",
            "account_set_password",
            "account_token_is_good",
            "account_token_start",
            "account_token_use",
            "api_key_find",
            "audit_partitions_drop",
            "audit_partitions_make",
            "member_email",
            "organisation_slug_claim",
            "server_target",
            "session_create",
            "session_end",
            "session_find",
            "sign_in_clear",
            "sign_in_count",
        ]
    );
    // They are all in files of that name, so that one reading finds them.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    for entry in std::fs::read_dir(folder).expect("the migrations") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path)
            .expect("a migration")
            .to_lowercase();
        let crosses = text.contains("security definer");
        assert_eq!(
            crosses,
            path.to_string_lossy().ends_with("0009_crossings.sql"),
            "{}",
            path.display()
        );
    }
    // Their owners cannot log in, and are nobody's superuser.
    let powers: i64 = db
        .value(
            "select count(*) from pg_roles where rolname in ('tollgate_console', 'tollgate_gateway', 'tollgate_wall',
                               'tollgate_partitions')
                 and (rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)",
        )
        .await;
    assert_eq!(powers, 0);
}

#[tokio::test]
async fn the_gateway_crosses_nowhere() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "circleci").await;
    let mut gateway = db.connect_as("tollgate_gateway").await;
    let server = server.uuid();
    for attack in [
        "select account_create(gen_random_uuid(), 'x@y.example', 'x', true)".to_owned(),
        "select * from account_credentials('owner@acme.example')".to_owned(),
        format!(
            "select account_set_password('{}', null, 'x')",
            scope.actor.user().uuid()
        ),
        format!(
            "select account_mark_verified('{}')",
            scope.actor.user().uuid()
        ),
        "select account_token_start('owner@acme.example', 'reset_password', sha256('x'), '1 h')"
            .to_owned(),
        "select account_token_use('reset_password', sha256('x'))".to_owned(),
        "select account_token_is_good('reset_password', sha256('x'))".to_owned(),
        "select sign_in_count('a', 10, 'b', 50, '15 min')".to_owned(),
        "select sign_in_clear('a')".to_owned(),
        format!(
            "select session_create('{}', 'x', sha256('x'), '1 h')",
            scope.actor.user().uuid()
        ),
        "select * from session_find(sha256('x'))".to_owned(),
        "select session_end(sha256('x'))".to_owned(),
        "select organisation_slug_claim('free', gen_random_uuid())".to_owned(),
        format!("select member_email('{}')", scope.actor.user().uuid()),
        "select * from api_key_find(sha256('x'))".to_owned(),
        format!("select * from server_target('{server}')"),
        "select audit_partitions_drop('2020-01-01')".to_owned(),
    ] {
        assert_eq!(code(run(&mut gateway, &attack).await), DENIED, "{attack}");
    }
}

/// The console calls the functions and never reads behind them.
#[tokio::test]
async fn people_are_reached_one_by_one() {
    let db = TestDb::new().await;
    db.organisation("acme").await;
    let mut console = db.connect_as("tollgate_console").await;
    for table in [
        "users",
        "sessions",
        "account_tokens",
        "sign_in_attempts",
        "organisation_slugs",
    ] {
        for attack in [
            format!("select from {table}"),
            format!("delete from {table}"),
            format!("insert into {table} default values"),
        ] {
            assert_eq!(code(run(&mut console, &attack).await), DENIED, "{attack}");
        }
    }
    for attack in ["tollgate_wall", "tollgate_partitions", "tollgate"] {
        let taken = run(&mut console, &format!("set role {attack}")).await;
        assert_eq!(code(taken), DENIED, "{attack}");
    }
}

/// A caller's own temporary tables, functions and search path change nothing inside.
#[tokio::test]
async fn nothing_can_be_slipped_under_a_crossing() {
    let db = TestDb::new().await;
    let victim = db.user("victim@example.com").await;
    let mut console = db.connect_as("tollgate_console").await;
    for step in [
        "create temp table users as select gen_random_uuid() as id, 'victim@example.com' as email,
             'mine' as password_hash, now() as email_verified_at, now() as created_at",
        "create temp table sessions (token_hash bytea, user_id uuid, created_at timestamptz,
             last_used_at timestamptz, expires_at timestamptz)",
        "create temp table memberships (org_id uuid, user_id uuid)",
        "create function pg_temp.lower(text) returns text language sql
             as $$ select 'victim@example.com' $$",
        "create function pg_temp.app_org() returns uuid language sql
             as $$ select gen_random_uuid() $$",
        "grant all on users, sessions, memberships to public",
        "set search_path = pg_temp, public, pg_catalog",
    ] {
        run(&mut console, step).await.expect(step);
    }
    let hash: String =
        sqlx::query_scalar("select password_hash from public.account_credentials($1)")
            .bind("victim@example.com")
            .fetch_one(&mut console)
            .await
            .expect("looks");
    assert_eq!(hash, "$argon2id$hash");
    let nobody = sqlx::query("select from public.account_credentials('other@example.com')")
        .fetch_optional(&mut console)
        .await
        .expect("looks");
    assert!(nobody.is_none());
    sqlx::query("select public.session_create($1, '$argon2id$hash', sha256('x'), '1 h')")
        .bind(victim.uuid())
        .execute(&mut console)
        .await
        .expect("starts");
    let fooled: i64 = sqlx::query_scalar("select count(*) from pg_temp.sessions")
        .fetch_one(&mut console)
        .await
        .expect("counts");
    assert_eq!(fooled, 0);
    let real: i64 = db.value("select count(*) from sessions").await;
    assert_eq!(real, 1);
}

#[tokio::test]
async fn an_address_is_told_to_fellow_members_only() {
    let db = TestDb::new().await;
    let a = db.organisation("acme").await;
    let b = db.organisation("other").await;
    let mut console = db.connect_as("tollgate_console").await;
    let mut ask = async |org: Option<uuid::Uuid>, user: domain::UserId| {
        let org = org.map(|org| org.to_string()).unwrap_or_default();
        run(&mut console, &format!("set app.org_id = '{org}'"))
            .await
            .expect("sets");
        sqlx::query_scalar::<_, Option<String>>("select member_email($1)")
            .bind(user.uuid())
            .fetch_one(&mut console)
            .await
            .expect("asks")
    };
    let user = a.actor.user();
    assert_eq!(
        ask(Some(a.org.uuid()), user).await.as_deref(),
        Some("owner@acme.example")
    );
    assert_eq!(ask(Some(b.org.uuid()), user).await, None);
    assert_eq!(ask(None, user).await, None);
}

#[tokio::test]
async fn a_slug_is_not_reused_within_a_year() {
    let db = TestDb::new().await;
    let user = db.user("ann@example.com").await;
    let create = async |wanted: &str| {
        organisations::create(&db.console, user, &name("Acme"), &slug(wanted))
            .await
            .expect("an organisation")
            .slug
            .to_string()
    };
    assert_eq!(create("acme").await, "acme");
    assert_eq!(create("acme").await, "acme-2");
    assert_eq!(create("acme").await, "acme-3");
    // The first moved to another slug.
    db.admin(
        "update organisations set slug = 'moved' where slug = 'acme';
         update organisation_slugs set released_at = now() - interval '364 days'
         where slug = 'acme'",
    )
    .await;
    assert_eq!(create("acme").await, "acme-4");
    db.admin(
        "update organisation_slugs set released_at = now() - interval '367 days'
              where slug = 'acme'",
    )
    .await;
    assert_eq!(create("acme").await, "acme");

    // Of two at once, one gets it and the other the next.
    let (a, b) = tokio::join!(create("race"), create("race"));
    let mut both = [a, b];
    both.sort();
    assert_eq!(both, ["race", "race-2"]);
}

#[tokio::test]
async fn a_refresh_finds_its_server() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "circleci").await;
    let target = servers::target_of(&db.console, server)
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!((target.id, target.org), (server, scope.org));
    let nobody = servers::target_of(&db.console, domain::ServerId::generate()).await;
    assert!(nobody.expect("looks").is_none());
    assert!(matches!(
        servers::target_of(&db.gateway, server).await,
        Err(StoreError::Database(_))
    ));
}

/// Two attempts at sessions and accounts that do not exist end in nothing, not in an error.
#[tokio::test]
async fn strangers_get_nothing() {
    let db = TestDb::new().await;
    assert!(
        sessions::find(&db.console, [1; 32])
            .await
            .expect("looks")
            .is_none()
    );
    sessions::end(&db.console, [1; 32])
        .await
        .expect("ends nothing");
    let nobody = accounts::credentials(&db.console, &address("no@body.example")).await;
    assert!(nobody.expect("looks").is_none());
    let unverified = accounts::mark_verified(&db.console, domain::UserId::generate()).await;
    assert!(matches!(unverified, Err(StoreError::NotFound)));
    accounts::clear_attempts(&db.console, &address("no@body.example"))
        .await
        .expect("clears");
}

#[tokio::test]
async fn old_months_go_and_recent_ones_cannot() {
    let db = TestDb::new().await;
    let scope = db.organisation("acme").await;
    let server = db.server(&scope, "circleci").await;
    let grant = db.grant(&scope, server).await;
    db.admin(
        "set role tollgate_partitions;
         create table audit_events_2024_01 partition of audit_events
             for values from (uuid_floor('2024-01-01Z')) to (uuid_floor('2024-02-01Z'));
         create table audit_events_2024_02 partition of audit_events
             for values from (uuid_floor('2024-02-01Z')) to (uuid_floor('2024-03-01Z'));
         reset role",
    )
    .await;
    let at = |text: &str| {
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
            .expect("a time")
    };
    let mut batch = Vec::new();
    for (n, moment) in [
        (1, at("2023-05-05T00:00:00Z")),
        (2, at("2024-01-31T23:59:59.999Z")),
        (3, at("2024-02-01T00:00:00Z")),
        (4, now()),
    ] {
        let mut event = decision(&scope, server, grant);
        event.id = id_at(moment, n);
        batch.push(decided(&event));
    }
    store::audit::insert(&db.gateway, &batch)
        .await
        .expect("inserts");
    let landed = |table: &'static str| db.value::<i64>(table);
    assert_eq!(landed("select count(*) from audit_events_default").await, 1);
    assert_eq!(landed("select count(*) from audit_events_2024_01").await, 1);
    assert_eq!(landed("select count(*) from audit_events_2024_02").await, 1);

    let dropped = migrations::drop_partitions(&db.console, at("2024-02-15T12:00:00Z")).await;
    assert_eq!(dropped.expect("drops"), 1);
    let left: Vec<String> =
        sqlx::query_scalar("select tableoid::regclass::text from audit_events order by id")
            .fetch_all(&db.admin)
            .await
            .expect("lists");
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left[0], "audit_events_2024_02");

    for recent in [now(), now() + time::Duration::days(400)] {
        let refused = migrations::drop_partitions(&db.console, recent).await;
        assert!(matches!(refused, Err(StoreError::Database(_))), "{recent}");
    }
    assert!(
        migrations::drop_partitions(&db.gateway, at("2024-02-15T12:00:00Z"))
            .await
            .is_err()
    );
    assert_eq!(landed("select count(*) from audit_events").await, 2);
}
