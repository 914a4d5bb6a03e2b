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

use sqlx::{Connection, PgConnection};

use super::run;

/// Where a test's files may lie; shared by all tests of the crate.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// A login that may take the console's and the gateway's role, and nothing else.
const APP: &str = "tollgate_test_app";

pub(super) async fn drop_database(url: &str) -> Result<(), sqlx::Error> {
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

pub(super) async fn from_template() -> String {
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
