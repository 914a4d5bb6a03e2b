//! One PostgreSQL for all tests, and a database of their own for each.
//!
//! The server is the one that `TOLLGATE_TEST_DATABASE_URL` names (a superuser's URL), or else
//! `deploy/with-postgres` starts a private one, which every test process shares and which goes away
//! when nobody has used it for ten seconds. A migrated template is made once per set of migrations.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use domain::audit::{Charge, Code, Decision, Outcome, Record, Settled, Settlement};
use domain::{Actor, Email, EventId, GrantId, Label, Name, Role, Scope, ServerId, Slug, UserId};
use policy::Policy;
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, PgPool, Row, postgres::PgPoolOptions,
};
use store::{Db, DbRole, accounts, grants, organisations, servers};
use time::OffsetDateTime;

/// Where a test's files may lie; shared by all tests of the crate.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// A login that may take the console's and the gateway's role, and nothing else.
const APP: &str = "tollgate_test_app";

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

async fn drop_database(url: &str) -> Result<(), sqlx::Error> {
    let path = url.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut connection = PgConnection::connect(&url_of(url, "postgres")).await?;
    run(
        &mut connection,
        &format!("drop database if exists {name} with (force)"),
    )
    .await?;
    Ok(())
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

/// The URL with another database in it.
pub(crate) fn url_of(server: &str, database: &str) -> String {
    let (path, query) = server.split_once('?').unwrap_or((server, ""));
    let (host, _) = path.rsplit_once('/').expect("a database in the URL");
    format!("{host}/{database}?{query}")
}

/// The same database, for the login that production gives to the application.
pub(crate) fn app_of(url: &str) -> String {
    let (_, rest) = url.split_once("@").expect("a user in the URL");
    format!("postgres://{APP}@{rest}")
}

/// A name that no other database of any test has.
pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("tollgate_test_{}_{n}", std::process::id())
}

async fn from_template() -> String {
    let server = server_url().await;
    let mut connection = PgConnection::connect(&server)
        .await
        .expect("the server answers");
    let template = template_name();
    run(&mut connection, "select pg_advisory_lock(7655)")
        .await
        .expect("locks");
    let there = sqlx::query("select from pg_database where datname = $1")
        .bind(&template)
        .fetch_optional(&mut connection)
        .await
        .expect("looks");
    if there.is_none() {
        let building = fresh_name();
        run(&mut connection, &format!("create database {building}"))
            .await
            .expect("creates");
        store::migrations::run(&url_of(&server, &building))
            .await
            .expect("migrates");
        let app = format!(
            "do $$ begin
                 if not exists (select from pg_roles where rolname = '{APP}') then
                     create role {APP} login noinherit;
                 end if;
             end $$;
             grant tollgate_console, tollgate_gateway to {APP}"
        );
        run(&mut connection, &app).await.expect("a login");
        run(
            &mut connection,
            &format!("alter database {building} rename to {template}"),
        )
        .await
        .expect("renames");
    }
    run(&mut connection, "select pg_advisory_unlock(7655)")
        .await
        .expect("unlocks");
    let name = fresh_name();
    run(
        &mut connection,
        &format!("drop database if exists {name} with (force)"),
    )
    .await
    .expect("makes room");
    run(
        &mut connection,
        &format!("create database {name} template {template}"),
    )
    .await
    .expect("clones");
    url_of(&server, &name)
}

fn template_name() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the migrations")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(file).expect("a migration").hash(&mut hasher);
    }
    format!("tollgate_template_{:016x}", hasher.finish())
}

/// A superuser's URL of a server that answers.
pub(crate) async fn server_url() -> String {
    if let Ok(url) = std::env::var("TOLLGATE_TEST_DATABASE_URL") {
        return url;
    }
    let lock = File::create(Path::new(FOLDER).join("postgres.lock")).expect("a lock file");
    lock.lock().expect("locks");
    let file = Path::new(FOLDER).join("postgres.url");
    if let Ok(url) = fs::read_to_string(&file)
        && PgConnection::connect(url.trim()).await.is_ok()
    {
        return url.trim().to_owned();
    }
    let _ = fs::remove_file(&file);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/with-postgres");
    let log = File::create(Path::new(FOLDER).join("postgres.log")).expect("a log file");
    // A group of its own, so that what ends this test does not end the server under the others.
    #[expect(clippy::zombie_processes, reason = "the server outlives this process")]
    let mut child = Command::new(script)
        .arg("--until-idle")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log twice"))
        .stderr(log)
        .process_group(0)
        .spawn()
        .expect("deploy/with-postgres runs");
    let started = Instant::now();
    loop {
        if let Ok(url) = fs::read_to_string(&file) {
            return url.trim().to_owned();
        }
        let ended = child.try_wait().expect("its state");
        assert!(
            ended.is_none() && started.elapsed() < Duration::from_secs(30),
            "PostgreSQL did not start: {}",
            fs::read_to_string(Path::new(FOLDER).join("postgres.log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
