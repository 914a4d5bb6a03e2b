//! The wall between organisations, attacked from inside each role with plain SQL.

use std::collections::BTreeSet;

use domain::{OrgId, Scope, ToolClass, audit::Record};
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};
use store::{api_keys, audit, policies, servers};

use crate::support::{
    DENIED, TestDb, code, decided, decision, label, name, new_grant, policy, run, settlement,
};

pub(crate) const ROLES: [&str; 2] = ["tollgate_console", "tollgate_gateway"];

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
pub(crate) async fn full_organisation(db: &TestDb, slug: &str) -> Scope {
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

pub(crate) async fn as_role(db: &TestDb, role: &str, org: Option<&str>) -> PgConnection {
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
    // The installation's own, and the public catalogue; nothing in them is an organisation's.
    let open = [
        "catalogue_corrections",
        "catalogue_releases",
        "catalogue_server_words",
        "catalogue_servers",
        "catalogue_spread",
        "catalogue_tool_words",
        "catalogue_tools",
        "catalogue_totals",
        "catalogue_vocabulary",
        "contact_messages",
        "data_keys",
        "installation",
        "signing_keys",
    ];
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
