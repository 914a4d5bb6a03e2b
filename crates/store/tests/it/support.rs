//! A database of its own for each test, and what tests put into it.

// By its path, because the console's tests use this file by path too.
#[path = "support/postgres.rs"]
mod postgres;

use domain::audit::{Charge, Code, Decision, Outcome, Record, Settled, Settlement};
use domain::{Actor, Email, EventId, GrantId, Label, Name, Role, Scope, ServerId, Slug, UserId};
use policy::Policy;
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, PgPool, Row, postgres::PgPoolOptions,
};
use store::{Db, DbRole, accounts, grants, organisations, servers};
use time::OffsetDateTime;

pub(crate) use postgres::{app_of, fresh_name, server_url, url_of};
use postgres::{drop_database, from_template};

/// A database with the migrations applied, seen by a superuser and by both roles.
pub(crate) struct TestDb {
    pub(crate) url: String,
    pub(crate) admin: PgPool,
    pub(crate) console: Db,
    pub(crate) gateway: Db,
}

impl TestDb {
    pub(crate) async fn new() -> Self {
        let url = from_template().await;
        Self {
            admin: PgPoolOptions::new()
                .max_connections(3)
                .connect(&url)
                .await
                .expect("the superuser connects"),
            console: Db::connect(&app_of(&url), DbRole::Console, 8)
                .await
                .expect("the console connects"),
            gateway: Db::connect(&app_of(&url), DbRole::Gateway, 4)
                .await
                .expect("the gateway connects"),
            url,
        }
    }

    /// A bare connection that has taken a role, as an attacker inside that plane would have it: with
    /// the application's own login, which is nobody's superuser.
    pub(crate) async fn connect_as(&self, role: &str) -> PgConnection {
        let url = match role {
            "tollgate_console" | "tollgate_gateway" => app_of(&self.url),
            _ => self.url.clone(),
        };
        let mut connection = PgConnection::connect(&url).await.expect("connects");
        run(&mut connection, &format!("set role {role}"))
            .await
            .expect("takes the role");
        connection
    }

    /// One value, asked by the superuser.
    pub(crate) async fn value<T>(&self, sql: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let row = (&self.admin)
            .fetch_one(AssertSqlSafe(sql))
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        row.get(0)
    }

    /// Statements run by the superuser.
    pub(crate) async fn admin(&self, sql: &str) {
        (&self.admin)
            .execute(AssertSqlSafe(sql))
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) async fn user(&self, email: &str) -> UserId {
        accounts::create(&self.console, &address(email), "$argon2id$hash", true)
            .await
            .expect("a new account")
    }

    /// An organisation and its owner, `owner@{slug}.example`.
    pub(crate) async fn organisation(&self, slug: &str) -> Scope {
        let user = self.user(&format!("owner@{slug}.example")).await;
        self.organisation_of(user, slug).await
    }

    pub(crate) async fn organisation_of(&self, user: UserId, slug: &str) -> Scope {
        let made = organisations::create(&self.console, user, &name(slug), &self::slug(slug))
            .await
            .expect("a new organisation");
        Scope {
            org: made.org,
            actor: Actor::Member(user),
            role: Role::Owner,
            auditor: false,
        }
    }

    pub(crate) async fn server(&self, scope: &Scope, slug: &str) -> ServerId {
        servers::create(&self.console, scope, new_server(slug))
            .await
            .expect("a new server")
            .id
    }

    pub(crate) async fn grant(&self, scope: &Scope, server: ServerId) -> GrantId {
        grants::issue(&self.console, scope, server, new_grant("agent"))
            .await
            .expect("a new grant")
            .id
    }
}

/// A test's database goes with it: ten megabytes that nobody reads again.
impl Drop for TestDb {
    fn drop(&mut self) {
        let url = self.url.clone();
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime
                .block_on(drop_database(&url))
                .map_err(std::io::Error::other)
        });
        // Where it cannot be dropped, the test has said why already.
        let _ = gone.join();
    }
}

pub(crate) fn address(text: &str) -> Email {
    text.parse().expect("an address")
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

pub(crate) fn slug(text: &str) -> Slug {
    text.parse().expect("a slug")
}

pub(crate) fn label(text: &str) -> Label {
    text.parse().expect("a label")
}

pub(crate) fn policy(reason: &str) -> Policy {
    let text = format!(
        r#"{{ "version": "1", "default": "deny",
            "tools": {{ "rerun_workflow": {{ "action": "deny", "reason": "{reason}" }} }} }}"#
    );
    Policy::parse(&text).expect("a valid policy")
}

pub(crate) fn new_server(slug: &str) -> servers::NewServer {
    servers::NewServer {
        id: ServerId::generate(),
        name: name(slug),
        slug: self::slug(slug),
        upstream_url: format!("https://{slug}.example/mcp"),
        catalog: None,
        headers: None,
    }
}

pub(crate) fn new_grant(label: &str) -> grants::NewGrant {
    grants::NewGrant {
        id: GrantId::generate(),
        label: self::label(label),
        identity: None,
        labels: Vec::new(),
        policy: None,
        kid: "k1".into(),
        issued_at: now(),
        expires_at: None,
    }
}

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// An allowed call, decided at that moment.
pub(crate) fn decision(scope: &Scope, server: ServerId, grant: GrantId) -> Decision {
    Decision {
        id: EventId::generate(),
        org: scope.org,
        server,
        server_name: "CircleCI".into(),
        grant,
        grant_label: "agent".into(),
        identity: Some("ci-runner".into()),
        policy: None,
        policy_name: Some("CI agents".into()),
        policy_version: Some(3),
        method: "tools/call".into(),
        tool: Some("rerun_workflow".into()),
        outcome: Outcome::Allow,
        code: Code::Allowed,
        rule: Some("/tools/rerun_workflow".into()),
        message: String::new(),
        charges: vec![Charge {
            counter: "rerun_workflow_rate".into(),
            rule: "/tools/rerun_workflow/limits/0".into(),
            cost: 1,
            max: 10,
            left: 9,
            window_ms: 60_000,
        }],
        shadow: Vec::new(),
        retry_after_ms: None,
        failed_open: false,
        client: Some("claude-code 2.1".into()),
        address: Some([192, 0, 2, 7].into()),
        request_bytes: 120,
        decided_us: 31,
        snapshot_age_ms: 12,
    }
}

pub(crate) fn settlement(decision: &Decision) -> Settlement {
    Settlement {
        id: decision.id,
        org: decision.org,
        settled: Settled::Ok,
        status: Some(200),
        upstream_us: 1_234,
        response_bytes: 99,
        given_back: false,
    }
}

pub(crate) fn decided(decision: &Decision) -> Record {
    Record::Decided(Box::new(decision.clone()))
}

/// An event id of a moment.
pub(crate) fn id_at(at: OffsetDateTime, n: u64) -> EventId {
    let ms = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).expect("after 1970");
    let mut tail = [0; 10];
    tail[2..].copy_from_slice(&n.to_be_bytes());
    let id = uuid::Builder::from_unix_timestamp_millis(ms, &tail);
    EventId::from_uuid(id.into_uuid())
}

pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    Ok(connection
        .execute(AssertSqlSafe(sql))
        .await?
        .rows_affected())
}

/// Postgres's five characters for why it refused.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, sqlx::Error>) -> String {
    match result {
        Err(sqlx::Error::Database(error)) => error.code().unwrap_or_default().into_owned(),
        other => panic!("expected Postgres to refuse, got {other:?}"),
    }
}

/// The privilege is missing, or row-level security refused the row.
pub(crate) const DENIED: &str = "42501";
