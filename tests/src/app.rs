//! A `tollgate` process that a test owns.

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::{Api, eventually, processes::signal};

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_path_buf()
}

/// A port nobody listens on at the moment.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}

/// The `tollgate` binary beside the running test: `target/<profile>/tollgate`.
///
/// # Panics
/// It was not built.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("TOLLGATE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile = test.ancestors().nth(2).expect("target/<profile>/deps/it");
    let path = profile.join("tollgate");
    assert!(
        path.exists(),
        "build it first: cargo build -p app (make test does)"
    );
    path
}

/// A running `tollgate dev` with a database of its own, killed when dropped.
#[derive(Debug)]
pub struct TestApp {
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// The data folder.
    pub data: TempDir,
    /// What is set in the process's environment beside what the test itself has.
    environment: Vec<(String, String)>,
    listen: String,
    child: Option<Child>,
    replicas: Vec<Child>,
}

/// What `tollgate bootstrap` made.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// Its id.
    pub id: String,
    /// The owner's address; the password is [`PASSWORD`].
    pub email: String,
    /// The admin API, with the bootstrap key.
    pub api: Api,
}

/// The password of every owner that a test makes.
pub const PASSWORD: &str = "correct horse battery staple";

impl TestApp {
    /// Starts one with the in-process limits.
    pub async fn spawn() -> Self {
        Self::spawn_with(&[]).await
    }

    /// Starts one with more in its environment, such as `TOLLGATE_REDIS_URL`.
    pub async fn spawn_with(environment: &[(&str, &str)]) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let mut app = Self {
            url: format!("http://{listen}"),
            data: tempfile::Builder::new()
                .prefix("tollgate-it-")
                .tempdir()
                .expect("a folder"),
            environment: environment
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            listen,
            child: None,
            replicas: vec![],
        };
        app.start().await;
        app
    }

    /// Starts the process again on the same data and the same port.
    pub async fn start(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .expect("a log file in the data folder");
        let child = self
            .command(&["dev", "--listen", &self.listen])
            .arg("--data")
            .arg(self.data.path())
            .env(
                "TOLLGATE_METRICS_LISTEN",
                format!("127.0.0.1:{}", free_port()),
            )
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("tollgate starts");
        self.child = Some(child);
        let ready = format!("{}/readyz", self.url);
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            if let Ok(answer) = reqwest::get(&ready).await
                && answer.status().is_success()
            {
                return;
            }
            let ended = self
                .child
                .as_mut()
                .and_then(|c| c.try_wait().expect("a child"));
            let in_time = std::time::Instant::now() < deadline;
            assert!(
                ended.is_none() && in_time,
                "tollgate did not start:\n{}",
                self.output()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Starts a second process on the same database, `tollgate serve --role gateway` with `redis` for
    /// its limits, and answers where it listens. It ends with this app.
    pub async fn gateway(&mut self, redis: &str) -> String {
        let running = std::fs::read(self.data.path().join("running.json")).expect("it runs");
        let running: Value = serde_json::from_slice(&running).expect("JSON");
        let database = running["database_url"].as_str().expect("an address");
        let listen = format!("127.0.0.1:{}", free_port());
        let url = format!("http://{listen}");
        let spool = self
            .data
            .path()
            .join(format!("spool-{}", self.replicas.len()));
        let log = File::create(
            self.data
                .path()
                .join(format!("gateway-{}.log", self.replicas.len())),
        );
        let log = log.expect("a log file in the data folder");
        let child = self
            .command(&["serve", "--role", "gateway"])
            .env("TOLLGATE_LISTEN", &listen)
            .env("TOLLGATE_PUBLIC_URL", &url)
            .env("TOLLGATE_METRICS_LISTEN", "off")
            .env("TOLLGATE_DATABASE_URL", database)
            .env("TOLLGATE_REDIS_URL", redis)
            .env(
                "TOLLGATE_MASTER_KEY_FILE",
                self.data.path().join("master.key"),
            )
            .env("TOLLGATE_SPOOL_DIR", spool)
            .env("TOLLGATE_UPSTREAM_ALLOW", "127.0.0.0/8")
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("tollgate starts");
        self.replicas.push(child);
        let ready = format!("{url}/readyz");
        eventually("the gateway", async || {
            reqwest::get(&ready)
                .await
                .ok()
                .filter(|answer| answer.status().is_success())
        })
        .await;
        url
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TOLLGATE_") {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(k, v)| (k, v)));
        command
    }

    fn log(&self) -> PathBuf {
        self.data.path().join("it.log")
    }

    /// Everything the process printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The process's id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// SIGKILL: no goodbye.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("one may kill one's child");
        child.wait().expect("it ends");
    }

    /// SIGTERM, and waits for it to end by itself.
    ///
    /// # Panics
    /// It does not end well.
    pub async fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        signal(child.id(), Signal::TERM);
        for _ in 0..600 {
            if let Some(status) = child.try_wait().expect("a child") {
                assert!(
                    status.success(),
                    "tollgate ended with {status}:\n{}",
                    self.output()
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("tollgate does not stop:\n{}", self.output());
    }

    /// `tollgate bootstrap`: an organisation with an owner and an API key.
    #[must_use]
    pub fn bootstrap(&self, name: &str) -> Organisation {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "-"));
        let password = self.data.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a file in the data folder");
        let made = self
            .command(&["bootstrap", "--org", name, "--email", &email, "-o", "json"])
            .arg("--data")
            .arg(self.data.path())
            .arg("--password-file")
            .arg(&password)
            .output()
            .expect("tollgate starts");
        assert!(
            made.status.success(),
            "bootstrap: {}{}",
            String::from_utf8_lossy(&made.stdout),
            String::from_utf8_lossy(&made.stderr)
        );
        let made: Value = serde_json::from_slice(&made.stdout).expect("bootstrap prints JSON");
        let text = |at: &str| made.pointer(at).and_then(Value::as_str).map(String::from);
        let id = text("/org/id")
            .or_else(|| text("/org"))
            .expect("an organisation");
        let key = text("/api_key/key")
            .or_else(|| text("/api_key"))
            .expect("a key");
        Organisation {
            id,
            email,
            api: Api::new(&self.url, &key),
        }
    }

    /// Runs a client command of the binary against this app.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.command(arguments).output().expect("tollgate starts")
    }

    /// Waits until the audit log of `api` holds `count` events that `filter` selects, and answers
    /// them newest first.
    pub async fn audit(&self, api: &Api, filter: &str, count: usize) -> Vec<Value> {
        let path = format!("/audit?limit=200&{filter}");
        eventually(&format!("{count} audit events for {filter}"), async || {
            let page = api.get(&path).await.ok();
            let items = page["items"].as_array().expect("a list").clone();
            (items.len() >= count).then_some(items)
        })
        .await
    }
}

impl Drop for TestApp {
    /// Ends politely, so that PostgreSQL ends with it, and insists after a while.
    #[expect(
        clippy::print_stderr,
        reason = "a failed test wants to know what the process said"
    )]
    fn drop(&mut self) {
        for mut replica in self.replicas.drain(..) {
            let _ = replica.kill();
            let _ = replica.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- tollgate printed:\n{}", self.output());
        }
        if let Some(mut child) = self.child.take() {
            signal(child.id(), Signal::TERM);
            for _ in 0..200 {
                if matches!(child.try_wait(), Ok(Some(_))) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
