//! The wall between organisations, attacked from inside each role with plain SQL.

use std::collections::BTreeSet;

use domain::{OrgId, Scope, ToolClass, audit::Record};
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};
use store::{api_keys, audit, policies, servers};

use crate::support::{
    DENIED, TestDb, code, decided, decision, label, name, new_grant, policy, run, settlement,
};

const ROLES: [&str; 2] = ["tollgate_console", "tollgate_gateway"];

/// Every table that holds rows of an organisation, partitions left out.
const TENANT_TABLES: [&str; 11] = [
    "admin_events",
    "api_keys",
    "audit_events",
    "audit_outcomes",
    "grants",
    "memberships",
    "policies",
    "policy_versions",
    "server_slugs",
    "servers",
    "tools",
];

/// An organisation with at least one row in each tenant table.
async fn full_organisation(db: &TestDb, slug: &str) -> Scope {
    let scope = db.organisation(slug).await;
    let server = db.server(&scope, "circleci").await;
    let found = servers::Discovery {
        tools: vec![domain::Tool {
            name: "rerun_workflow".into(),
            title: None,
            description: None,
            definition: "{}".into(),
            class: Some(ToolClass::Execute),
        }],
        server_name: None,
        server_version: None,
        protocol_version: None,
    };
    servers::record_discovery(&db.console, scope.org, Some(&scope), server, &found)
        .await
        .expect("records");
    let made = policies::create(
        &db.console,
        &scope,
        server,
        &name("CI agents"),
        &policy("no"),
        true,
    )
    .await
    .expect("a policy");
    let new = store::grants::NewGrant {
        policy: Some(made.id),
        ..new_grant("agent")
    };
    let grant = store::grants::issue(&db.console, &scope, server, new)
        .await
        .expect("a grant")
        .id;
    let hash = [slug.len().try_into().expect("short"); 32];
    api_keys::create(
        &db.console,
        &scope,
        &label("ci"),
        domain::Role::Viewer,
        hash,
        None,
    )
    .await
    .expect("a key");
    let event = decision(&scope, server, grant);
    audit::insert(&db.gateway, &[decided(&event)])
        .await
        .expect("inserts");
    audit::insert(&db.gateway, &[Record::Settled(settlement(&event))])
        .await
        .expect("inserts");
    scope
}

async fn as_role(db: &TestDb, role: &str, org: Option<&str>) -> PgConnection {
    let mut connection = db.connect_as(role).await;
    if let Some(org) = org {
        run(
            &mut connection,
            &format!("set app.org_id = '{}'", org.replace('\'', "''")),
        )
        .await
        .expect("sets");
    }
    connection
}

/// How many rows a query counts; none where the role may not even ask.
async fn count(connection: &mut PgConnection, sql: &str) -> Option<i64> {
    match connection.fetch_one(AssertSqlSafe(sql)).await {
        Ok(row) => Some(row.get(0)),
        Err(error) => {
            assert_eq!(code::<()>(Err(error)), DENIED, "{sql}");
            None
        }
    }
}

#[tokio::test]
async fn row_level_security_is_forced_wherever_rows_belong_to_somebody() {
    let db = TestDb::new().await;
    let rows = sqlx::query(
        "select c.relname::text, c.relrowsecurity and c.relforcerowsecurity, c.relispartition,
                exists (select from pg_attribute a
                        where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped)
         from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
             and c.relname <> '_sqlx_migrations'",
    )
    .fetch_all(&db.admin)
    .await
    .expect("walks");
    // The installation's own; nothing in them is anybody's.
    let open = ["data_keys", "installation", "signing_keys"];
    let mut tenant_tables = BTreeSet::new();
    let mut partitions = 0;
    for row in rows {
        let table: String = row.get(0);
        assert_eq!(
            row.get::<bool, _>(1),
            !open.contains(&table.as_str()),
            "{table}"
        );
        if row.get(2) {
            partitions += 1;
        } else if row.get(3) {
            tenant_tables.insert(table);
        }
    }
    assert_eq!(partitions, 10, "four months and a default, twice");
    assert!(
        tenant_tables.iter().eq(TENANT_TABLES.iter()),
        "{tenant_tables:?}"
    );
}

#[tokio::test]
async fn nobody_sees_rows_without_an_organisation_or_of_another() {
    let db = TestDb::new().await;
    let a = full_organisation(&db, "acme").await;
    let b = db.organisation("other").await;
    let (a, b) = (a.org.uuid().to_string(), b.org.uuid().to_string());
    for role in ROLES {
        let mut readable = 0;
        for table in TENANT_TABLES {
            let all = format!("select count(*) from {table}");
            let of_a = format!("select count(*) from {table} where org_id = '{a}'");
            for org in [None, Some("")] {
                let mut nowhere = as_role(&db, role, org).await;
                assert_eq!(
                    count(&mut nowhere, &all).await.unwrap_or(0),
                    0,
                    "{role} {table}"
                );
            }
            let mut at_b = as_role(&db, role, Some(&b)).await;
            assert_eq!(
                count(&mut at_b, &of_a).await.unwrap_or(0),
                0,
                "{role} {table}"
            );
            let mut at_a = as_role(&db, role, Some(&a)).await;
            if let Some(own) = count(&mut at_a, &of_a).await {
                assert!(
                    own > 0,
                    "{role} {table}: there would have been something to see"
                );
                readable += 1;
            }
        }
        let expected = if role == "tollgate_console" {
            TENANT_TABLES.len()
        } else {
            5
        };
        assert_eq!(readable, expected, "{role}");
    }
    // A setting that names no organisation at all is an error, not a way in.
    let mut odd = as_role(&db, "tollgate_console", Some("' or true --")).await;
    run(&mut odd, "select from servers")
        .await
        .expect_err("no UUID");
    // The organisations themselves: the console sees its own, the gateway four columns of all.
    let mut console = as_role(&db, "tollgate_console", Some(&b)).await;
    assert_eq!(
        count(&mut console, "select count(*) from organisations").await,
        Some(1)
    );
    let mut nowhere = as_role(&db, "tollgate_console", None).await;
    assert_eq!(
        count(&mut nowhere, "select count(*) from organisations").await,
        Some(0)
    );
    let mut gateway = as_role(&db, "tollgate_gateway", None).await;
    assert_eq!(
        count(&mut gateway, "select count(*) from organisations").await,
        Some(2)
    );
    assert_eq!(
        code(run(&mut gateway, "select name from organisations").await),
        DENIED
    );
}

/// No role of ours, not even the owner of the partitions, gets at a partition past its parent.
#[tokio::test]
async fn partitions_have_no_side_door() {
    let db = TestDb::new().await;
    let a = full_organisation(&db, "acme").await;
    let a = a.org.uuid().to_string();
    let partitions: Vec<String> = sqlx::query_scalar(
        "select inhrelid::regclass::text from pg_inherits
         where inhparent in ('audit_events'::regclass, 'audit_outcomes'::regclass)",
    )
    .fetch_all(&db.admin)
    .await
    .expect("lists");
    for partition in partitions {
        let count_all = format!("select count(*) from {partition}");
        for role in ROLES {
            let mut inside = as_role(&db, role, Some(&a)).await;
            assert_eq!(
                count(&mut inside, &count_all).await,
                None,
                "{role} {partition}"
            );
        }
        let mut owner = as_role(&db, "tollgate_partitions", Some(&a)).await;
        assert_eq!(count(&mut owner, &count_all).await, Some(0), "{partition}");
    }
}

#[tokio::test]
async fn nobody_writes_into_another_organisation() {
    let db = TestDb::new().await;
    let a = full_organisation(&db, "acme").await.org.uuid().to_string();
    let b = full_organisation(&db, "others")
        .await
        .org
        .uuid()
        .to_string();
    for table in TENANT_TABLES {
        // A row that the organisation really has, so that nothing but the wall stands in its way.
        let row: serde_json::Value = db
            .value(&format!(
                "select to_jsonb(t) from {table} t where org_id = '{a}' limit 1"
            ))
            .await;
        let literal = row.to_string().replace('\'', "''");
        let insert = format!(
            "insert into {table} select * from jsonb_populate_record(null::{table}, '{literal}')"
        );
        for role in ROLES {
            if role == "tollgate_gateway" && table.starts_with("audit_") {
                continue; // it appends for all organisations; see below
            }
            for org in [None, Some(b.as_str())] {
                let mut attacker = as_role(&db, role, org).await;
                let inserted = run(&mut attacker, &insert).await;
                assert_eq!(code(inserted), DENIED, "{role} {table}");
                for change in [
                    format!("update {table} set org_id = org_id where org_id = '{a}'"),
                    format!("delete from {table} where org_id = '{a}'"),
                ] {
                    match run(&mut attacker, &change).await {
                        Ok(rows) => assert_eq!(rows, 0, "{role} {change}"),
                        refused => assert_eq!(code(refused), DENIED, "{role} {change}"),
                    }
                }
            }
            // Handing an own row over.
            let mut attacker = as_role(&db, role, Some(&b)).await;
            let moved = format!("update {table} set org_id = '{a}' where org_id = '{b}'");
            assert_eq!(
                code(run(&mut attacker, &moved).await),
                DENIED,
                "{role} {moved}"
            );
        }
    }
    let mut console = as_role(&db, "tollgate_console", Some(&b)).await;
    for attack in [
        format!("update organisations set config_version = 9 where id = '{a}'"),
        format!("select from organisations where id = '{a}' for update"),
    ] {
        assert_eq!(
            run(&mut console, &attack).await.expect("runs"),
            0,
            "{attack}"
        );
    }
    let made = format!(
        "insert into organisations (id, name, slug) values ('{}', 'x', 'x')",
        OrgId::generate().uuid()
    );
    assert_eq!(code(run(&mut console, &made).await), DENIED);
    for attack in [
        "delete from organisations",
        "update organisations set suspended_at = null",
        "update memberships set role = 'owner'",
        "truncate servers",
        "alter table servers disable row level security",
        "drop policy own_organisation on servers",
        "set session authorization tollgate",
        "create table public.mine ()",
    ] {
        run(&mut console, attack).await.expect_err(attack);
    }
}

/// Exactly what a stolen gateway can read and write.
#[tokio::test]
async fn the_gateway_holds_these_privileges_and_no_others() {
    let db = TestDb::new().await;
    let held: Vec<String> = sqlx::query_scalar(
        "select t.table_name || ' ' || lower(p) || coalesce(': ' || (
             select string_agg(column_name, ' ' order by column_name)
             from information_schema.columns c
             where c.table_schema = 'public' and c.table_name = t.table_name
                 and has_column_privilege('tollgate_gateway', t.table_name, c.column_name, p)
         ), '')
         from information_schema.tables t
         cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p
         where t.table_schema = 'public'
             and has_any_column_privilege('tollgate_gateway', t.table_name, p)
         order by 1",
    )
    .fetch_all(&db.admin)
    .await
    .expect("lists");
    let inserted: Vec<_> = held
        .iter()
        .filter(|line| line.contains(" insert: "))
        .collect();
    assert_eq!(inserted.len(), 2, "{inserted:?}");
    assert!(
        inserted.iter().all(|line| line.starts_with("audit_")),
        "{inserted:?}"
    );
    let selected: Vec<_> = held
        .iter()
        .filter(|line| !line.contains(" insert: "))
        .collect();
    assert_eq!(
        selected,
        [
            "data_keys select: created_at kid retired_at sealed",
            "grants select: expires_at id identity label labels org_id paused_at policy_id \
             previous_until previous_version revoked_at server_id token_version",
            "installation select: created_at id singleton",
            "organisations select: config_version id slug suspended_at",
            "policies select: id name org_id published_version",
            "policy_versions select: document org_id policy_id version",
            "servers select: credential discovered_at fail_open id name org_id slug upstream_url",
            "signing_keys select: created_at kid public_key retired_at",
            "tools select: class definition description gone_at name org_id server_id title",
        ]
    );
    let more: i64 = db
        .value(
            "select count(*) from information_schema.tables t
             cross join unnest(array['DELETE', 'TRUNCATE', 'TRIGGER']) p
             where t.table_schema = 'public'
                 and has_table_privilege('tollgate_gateway', t.table_name, p)",
        )
        .await;
    assert_eq!(more, 0);
}

#[tokio::test]
async fn history_is_never_changed() {
    let db = TestDb::new().await;
    let scope = full_organisation(&db, "acme").await;
    let org = scope.org.uuid().to_string();
    for role in ROLES {
        for table in [
            "audit_events",
            "audit_outcomes",
            "admin_events",
            "policy_versions",
        ] {
            for attack in [
                format!("update {table} set org_id = org_id"),
                format!("delete from {table}"),
                format!("truncate {table}"),
            ] {
                let mut attacker = as_role(&db, role, Some(&org)).await;
                assert_eq!(
                    code(run(&mut attacker, &attack).await),
                    DENIED,
                    "{role} {attack}"
                );
            }
        }
    }
    // Not even by whoever owns the tables.
    for table in ["admin_events", "policy_versions"] {
        let mut superuser = db.connect_as("tollgate").await;
        let changed = run(
            &mut superuser,
            &format!("update {table} set created_at = now()"),
        )
        .await;
        let changed = match changed {
            Err(_) if table == "admin_events" => {
                run(&mut superuser, "update admin_events set at = now()").await
            }
            other => other,
        };
        assert_eq!(code(changed), "23000", "{table}");
    }
    // The gateway appends blindly: it cannot read back what is there.
    let mut gateway = as_role(&db, "tollgate_gateway", Some(&org)).await;
    for attack in [
        "select from audit_events",
        "insert into audit_outcomes (id, org_id, settled, upstream_us, response_bytes, given_back)
         select id, org_id, 'ok', 1, 1, false from audit_events",
        "insert into audit_outcomes (id, org_id, settled, upstream_us, response_bytes, given_back)
         values (gen_random_uuid(), gen_random_uuid(), 'ok', 1, 1, false) returning id",
        "insert into audit_outcomes (id, org_id, settled, upstream_us, response_bytes, given_back)
         values (gen_random_uuid(), gen_random_uuid(), 'ok', 1, 1, false)
         on conflict (id) do update set settled = 'ok'",
    ] {
        assert_eq!(code(run(&mut gateway, attack).await), DENIED, "{attack}");
    }
}

/// Foreign-key checks see through row-level security, so the keys themselves hold the wall.
#[tokio::test]
async fn a_row_cannot_hang_on_another_organisations_row() {
    let db = TestDb::new().await;
    let a = full_organisation(&db, "acme").await.org.uuid().to_string();
    let b = full_organisation(&db, "others")
        .await
        .org
        .uuid()
        .to_string();
    let pick = async |table: &str, column: &str, org: &str| -> uuid::Uuid {
        db.value(&format!(
            "select {column} from {table} where org_id = '{org}' limit 1"
        ))
        .await
    };
    let server_a = pick("servers", "id", &a).await;
    let server_b = pick("servers", "id", &b).await;
    let policy_a = pick("policies", "id", &a).await;
    let other_policy = uuid::Uuid::now_v7();
    let maker_a = pick("memberships", "user_id", &a).await;
    let mut attacker = as_role(&db, "tollgate_console", Some(&b)).await;
    // A second server of b's own, with a policy: a grant must not take another server's policy.
    let own = format!(
        "insert into servers (id, org_id, slug, name, upstream_url)
             values ('{other_policy}', '{b}', 'second', 'second', 'https://x.example');
         insert into policies (id, org_id, server_id, name, latest_version)
             values ('{other_policy}', '{b}', '{other_policy}', 'p', 1)"
    );
    run(&mut attacker, &own).await.expect("b's own rows");
    for attack in [
        format!(
            "insert into policies (id, org_id, server_id, name, latest_version)
             values (gen_random_uuid(), '{b}', '{server_a}', 'x', 1)"
        ),
        format!(
            "insert into policy_versions (org_id, policy_id, version, document)
             values ('{b}', '{policy_a}', 9, '{{}}')"
        ),
        format!(
            "insert into grants (id, org_id, server_id, label, kid, issued_at)
             values (gen_random_uuid(), '{b}', '{server_a}', 'x', 'k', now())"
        ),
        format!(
            "insert into grants (id, org_id, server_id, policy_id, label, kid, issued_at)
             values (gen_random_uuid(), '{b}', '{server_b}', '{policy_a}', 'x', 'k', now())"
        ),
        format!(
            "insert into grants (id, org_id, server_id, policy_id, label, kid, issued_at)
             values (gen_random_uuid(), '{b}', '{server_b}', '{other_policy}', 'x', 'k', now())"
        ),
        format!("update grants set policy_id = '{policy_a}' where org_id = '{b}'"),
        format!("update policies set published_version = 99 where org_id = '{b}'"),
        format!(
            "insert into tools (org_id, server_id, name_sha256, name, definition, fingerprint)
             values ('{b}', '{server_a}', 'x', 'x', '{{}}', 'x')"
        ),
        format!(
            "insert into api_keys (id, org_id, label, role, secret_hash, created_by)
             values (gen_random_uuid(), '{b}', 'x', 'admin', sha256('x'), '{maker_a}')"
        ),
    ] {
        assert_eq!(code(run(&mut attacker, &attack).await), "23503", "{attack}");
    }
}
