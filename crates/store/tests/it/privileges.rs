//! What each role may do at all, and what nobody may.

use crate::{
    support::{DENIED, TestDb, code, run},
    wall::{ROLES, as_role, full_organisation},
};

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
            "_sqlx_migrations select: checksum description execution_time installed_on success \
             version",
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
