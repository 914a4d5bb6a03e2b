//! `tollgate dev` as a person uses it: started, stopped, killed, started again.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "what a test needs and does not get ends the test, which then shows the log"
)]

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(90);

fn tollgate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TOLLGATE_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("tollgate-dev-")
        .tempdir()
        .unwrap()
}

/// Asks until there is an answer.
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "still waiting for {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A running `tollgate dev`, killed when dropped.
struct Dev {
    child: Child,
    data: PathBuf,
    log: PathBuf,
    url: String,
}

impl Dev {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let log = data.join("test.log");
        fs::create_dir_all(data).unwrap();
        let out = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut child = tollgate()
            .args(["dev", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(arguments)
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let said = || fs::read_to_string(&log).unwrap();
        let url = eventually("an address", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}:\n{}", said());
            let running = fs::read(data.join("running.json")).ok()?;
            let running: Value = serde_json::from_slice(&running).ok()?;
            // What a killed one left is not ours.
            (running["pid"] == child.id())
                .then(|| running["public_url"].as_str().unwrap().to_owned())
        });
        let dev = Self {
            child,
            data: data.to_owned(),
            log,
            url,
        };
        eventually("readiness", || (dev.get("/readyz").0 == 200).then_some(()));
        dev
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn get(&self, path: &str) -> (u16, String) {
        let address = self.url.strip_prefix("http://").unwrap();
        let Ok(mut stream) = TcpStream::connect(address) else {
            return (0, String::new());
        };
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap_or_default();
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        (
            status,
            answer
                .split_once("\r\n\r\n")
                .map(|(_, body)| body.to_owned())
                .unwrap_or_default(),
        )
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Ends it and answers whether it ended well.
    fn end(mut self, signal: Signal) -> bool {
        self.signal(signal);
        eventually("its end", || self.child.try_wait().unwrap()).success()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn bootstrap(&self, email: &str) -> Output {
        let password = self.data.join("password");
        fs::write(&password, "correct horse battery staple\n").unwrap();
        tollgate()
            .args([
                "bootstrap",
                "--org",
                "Acme",
                "-o",
                "json",
                "--email",
                email,
                "--data",
            ])
            .arg(&self.data)
            .arg("--password-file")
            .arg(password)
            .output()
            .unwrap()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- tollgate said:\n{}", self.said());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the cluster of a data folder is.
fn cluster(data: &Path) -> PathBuf {
    PathBuf::from(fs::read_to_string(data.join("postgres-dir")).unwrap()).join("data")
}

/// The servers that work in a cluster's folder, by their command line.
fn servers(data: &Path) -> Vec<i32> {
    let cluster = cluster(data);
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter(|process| {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            line.contains("postgres\0-D\0") && line.contains(&*cluster.to_string_lossy())
        })
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect()
}

#[test]
fn a_second_start_is_quick_and_finds_what_was_there() {
    let folder = folder();
    let first = Dev::start(folder.path(), &[]);
    let made = first.bootstrap("owner@example.com");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(made["org"].as_str().unwrap().starts_with("org_"));
    assert!(made["user"].as_str().unwrap().starts_with("usr_"));
    assert!(made["api_key"].as_str().unwrap().starts_with("tg_key_"));

    assert!(first.end(Signal::INT), "Ctrl-C ends it well");
    assert_eq!(
        servers(folder.path()),
        Vec::<i32>::new(),
        "and nothing is left running"
    );
    assert!(!folder.path().join("running.json").exists());
    assert!(
        !cluster(folder.path()).join("postmaster.pid").exists(),
        "the shutdown was clean"
    );

    let begun = Instant::now();
    let second = Dev::start(folder.path(), &[]);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it took {:?}",
        begun.elapsed()
    );
    let again = second.bootstrap("owner@example.com");
    assert_eq!(again.status.code(), Some(1));
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        said.contains("owner@example.com has an account already"),
        "{said}"
    );

    // A link to set a new password opens a page.
    let reset = tollgate()
        .args([
            "user",
            "reset",
            "--email",
            "owner@example.com",
            "-o",
            "json",
            "--data",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    let link: Value = serde_json::from_slice(&reset.stdout).unwrap();
    let link = link["link"].as_str().unwrap();
    let path = link
        .strip_prefix(&second.url)
        .expect("the link is this dashboard's");
    assert_eq!(second.get(path).0, 200);
    assert!(second.end(Signal::TERM));
}

#[test]
fn killed_it_leaves_nothing_running_and_starts_again() {
    let folder = folder();
    let first = Dev::start(folder.path(), &[]);
    assert!(first.bootstrap("owner@example.com").status.success());
    assert_eq!(servers(folder.path()).len(), 1);
    first.kill();
    if cfg!(target_os = "linux") {
        eventually("the server to follow", || {
            servers(folder.path()).is_empty().then_some(())
        });
    }
    let second = Dev::start(folder.path(), &[]);
    assert_eq!(
        second.bootstrap("owner@example.com").status.code(),
        Some(1),
        "it is still there"
    );
    assert!(second.end(Signal::INT));
}

#[test]
fn killed_with_its_server_it_recovers() {
    let folder = folder();
    let first = Dev::start(folder.path(), &[]);
    assert!(first.bootstrap("owner@example.com").status.success());
    let server = Pid::from_raw(servers(folder.path())[0]).unwrap();
    first.signal(Signal::STOP);
    kill_process(server, Signal::KILL).unwrap();
    first.kill();
    let second = Dev::start(folder.path(), &[]);
    assert_eq!(
        second.bootstrap("owner@example.com").status.code(),
        Some(1),
        "it is still there"
    );
    assert!(second.end(Signal::INT));
}

#[test]
fn a_server_left_behind_is_stopped_and_replaced() {
    let folder = folder();
    let first = Dev::start(folder.path(), &[]);
    let server = servers(folder.path())[0];
    let program = fs::read_link(format!("/proc/{server}/exe")).unwrap();
    let line = fs::read(format!("/proc/{server}/cmdline")).unwrap();
    let arguments: Vec<String> = line
        .split(|byte| *byte == 0)
        .skip(1)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let owner = fs::metadata(cluster(folder.path())).unwrap().uid();
    assert!(first.end(Signal::INT));

    // The same server, without a parent to die with.
    let mut leftover = {
        let mut command = Command::new(program);
        command
            .args(&arguments[..arguments.len() - 1])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if rustix::process::geteuid().is_root() {
            command.uid(owner).gid(owner);
        }
        command.spawn().unwrap()
    };
    eventually("the leftover", || {
        let pid = fs::read_to_string(cluster(folder.path()).join("postmaster.pid")).ok()?;
        pid.contains("ready").then_some(())
    });
    // It has to be waited for, or it would stay a zombie of this test.
    let waiting = thread::spawn(move || leftover.wait().unwrap());
    let second = Dev::start(folder.path(), &[]);
    assert!(waiting.join().unwrap().success(), "it was stopped in order");
    // A process that was forked just now still has the name of the one it came from.
    eventually("the second server alone", || {
        (servers(folder.path()).len() == 1).then_some(())
    });
    assert!(second.end(Signal::INT));
}

#[test]
fn one_folder_serves_one_process() {
    let folder = folder();
    let first = Dev::start(folder.path(), &[]);
    let second = tollgate()
        .args(["dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    let holder = format!(
        "in use by another `tollgate dev` (process {})",
        first.child.id()
    );
    assert!(said.contains(&holder), "{said}");
    assert_eq!(first.get("/readyz").0, 200, "the first is not disturbed");

    let taken = first.url.strip_prefix("http://").unwrap();
    let third = tollgate()
        .args(["dev", "--listen", taken, "--data"])
        .arg(folder.path().join("other"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&third.stderr).into_owned();
    assert!(
        said.contains(&format!("cannot listen on {taken}: choose another")),
        "{said}"
    );
    assert!(first.end(Signal::INT));

    let late = tollgate()
        .args([
            "bootstrap",
            "--org",
            "Acme",
            "--email",
            "a@example.com",
            "--data",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(late.status.code(), Some(4), "nobody is there to ask");
}

/// The account that PostgreSQL runs as can read what its processes were started with.
#[cfg(target_os = "linux")]
#[test]
fn postgres_is_not_told_the_keys() {
    let folder = folder();
    let log = File::create(folder.path().join("test.log")).unwrap();
    let key = "qHxXMmKmfeOPzem8x/JYHJVizfglSlQZOejViVxTBQo=";
    let mut child = tollgate()
        .args(["dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .env("TOLLGATE_MASTER_KEY", key)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    eventually("the server", || {
        let said = fs::read_to_string(folder.path().join("test.log")).ok()?;
        said.contains("is running.").then_some(())
    });
    assert!(!servers(folder.path()).is_empty());
    for pid in servers(folder.path()) {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains(key), "process {pid}");
    }
    let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
}

/// A clone under a home of mode 0700, run as root: the cluster is where its user can reach it.
#[test]
fn a_closed_home_keeps_its_cluster_elsewhere() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = folder();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let data = home.path().join("clone/.tollgate");
    let first = Dev::start(&data, &[]);
    let place = cluster(&data);
    assert!(!place.starts_with(home.path()), "{}", place.display());
    let meta = fs::metadata(&place).unwrap();
    assert_eq!(meta.mode() & 0o777, 0o700);
    assert_ne!(meta.uid(), 0, "PostgreSQL does not run as root");
    assert!(first.bootstrap("owner@example.com").status.success());
    assert!(first.end(Signal::INT));
    let second = Dev::start(&data, &[]);
    assert_eq!(cluster(&data), place);
    assert_eq!(
        second.bootstrap("owner@example.com").status.code(),
        Some(1),
        "it is still there"
    );
    assert!(second.end(Signal::INT));
    fs::remove_dir_all(place.parent().unwrap()).unwrap();
}

#[test]
fn what_every_process_answers() {
    let folder = folder();
    let dev = Dev::start(folder.path(), &[]);
    let (status, ready) = dev.get("/readyz");
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &ready["status"]), (200, &"ready".into()));
    for dependency in ["postgres", "limits", "configuration", "spool"] {
        assert_eq!(ready["checks"][dependency]["ok"], true, "{ready:#}");
    }
    assert_eq!(dev.get("/healthz").0, 200);
    let version: Value = serde_json::from_str(&dev.get("/version").1).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    for unused in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server/mcp/x",
        "/register",
        "/authorize",
        "/token",
    ] {
        let (status, body) = dev.get(unused);
        assert_eq!(status, 404, "{unused}");
        assert!(
            serde_json::from_str::<Value>(&body).is_ok(),
            "{unused}: {body}"
        );
    }
    assert_eq!(dev.get("/.well-known/jwks.json").0, 200);
    let asked = tollgate()
        .args([
            "healthcheck",
            "--address",
            dev.url.strip_prefix("http://").unwrap(),
        ])
        .output()
        .unwrap();
    assert!(asked.status.success());
    assert!(dev.end(Signal::INT));
}

#[test]
fn the_demo_prints_what_works_when_pasted_and_comes_back() {
    let folder = folder();
    let first = Dev::start(folder.path(), &["--demo"]);
    let snippet = |dev: &Dev| {
        eventually("the snippet", || {
            let said = dev.said();
            let last = &said[said.rfind("curl -s ")?..];
            last.split_once("\n\n")
                .map(|(command, _)| command.to_owned())
        })
    };
    let pasted = snippet(&first);
    let paste = |command: &str| {
        let output = Command::new("sh").args(["-c", command]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str::<Value>(&text).unwrap_or_else(|_| panic!("{text}"))
    };
    for n in 1..=11 {
        let answer = paste(&pasted);
        let refused = answer["result"]["isError"] == true;
        assert_eq!(refused, n == 11, "call {n}: {answer:#}");
    }
    let token = |command: &str| {
        let at = command.find("tg_").expect("a token");
        command[at..].split('\'').next().unwrap().to_owned()
    };
    assert!(first.end(Signal::INT));
    fs::write(folder.path().join("test.log"), "").unwrap();
    let second = Dev::start(folder.path(), &["--demo"]);
    let again = snippet(&second);
    assert_eq!(
        token(&again),
        token(&pasted),
        "the same grant, signed again"
    );
    let answer = paste(&again);
    assert!(answer["result"].is_object(), "{answer:#}");
    assert!(second.end(Signal::INT));
}
