//! The server process: started as a child that dies with us, watched, and ended cleanly.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use tracing::{error, info, warn};

use super::{PORT, binaries::Binaries, open_log, place::Place};
use crate::data::remove_if_there;

/// How long recovery after a crash may take.
const START_MAX: Duration = Duration::from_secs(60);
/// How long a fast shutdown, which writes a checkpoint, may take before it is cut short.
const STOP_MAX: Duration = Duration::from_secs(30);
/// How often a file or a process that cannot be waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Between a server's unexpected end and the next start.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// The server and the thread that waits for it.
#[derive(Debug)]
pub(super) struct Postmaster {
    state: Arc<Mutex<State>>,
    ended: Receiver<ExitStatus>,
}

#[derive(Debug, Default)]
struct State {
    /// The child, as long as nobody has waited for it.
    pid: Option<Pid>,
    /// Set when its end is wanted.
    stopping: bool,
    /// Set once it has been ready: from then on an unexpected end means another start.
    restart: bool,
}

impl Postmaster {
    pub(super) fn start(
        place: Place,
        binaries: &Binaries,
        socket_folder: &Path,
        log: &Path,
    ) -> Result<Self> {
        let deadline = Instant::now() + START_MAX;
        let cluster = place.data();
        let command = Arc::new(CommandLine {
            place,
            program: binaries.folder.join("postgres"),
            socket_folder: socket_folder.to_owned(),
            log: log.to_owned(),
            with_parent_death: can_die_with_parent(),
        });
        loop {
            let log_begins = fs::metadata(log).map_or(0, |meta| meta.len());
            let started = Self::spawn(Arc::clone(&command))?;
            match started.wait_until_ready(&cluster, deadline) {
                Ok(()) => return Ok(started),
                Err(failure) => {
                    drop(started);
                    let said = read_from(log, log_begins);
                    // Backends of a killed server are still on their way out.
                    if said.contains("is still in use") && Instant::now() < deadline {
                        thread::sleep(Duration::from_millis(200));
                        continue;
                    }
                    bail!("PostgreSQL did not start: {failure}\n{}", said.trim_end());
                }
            }
        }
    }

    /// The thread that starts the child is the one that waits for it and lives as long: Linux ties
    /// the death signal to the parent's thread, not to its process.
    fn spawn(command: Arc<CommandLine>) -> Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let (started_tx, started) = mpsc::channel();
        let (ended_tx, ended) = mpsc::channel();
        let shared = Arc::clone(&state);
        thread::Builder::new()
            .name("postgres".into())
            .spawn(move || watch(&command, &shared, &started_tx, &ended_tx))
            .context("cannot start a thread")?;
        started.recv().context("the thread ended early")??;
        Ok(Self { state, ended })
    }

    fn wait_until_ready(&self, cluster: &Path, deadline: Instant) -> Result<()> {
        loop {
            match self.ended.recv_timeout(LOOK_EVERY) {
                Ok(status) => bail!("it ended with {status}"),
                Err(RecvTimeoutError::Disconnected) => bail!("it could not be watched"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let mut state = self.state.lock();
            if state.pid.is_some_and(|pid| is_ready(cluster, pid)) {
                state.restart = true;
                return Ok(());
            }
            drop(state);
            if Instant::now() > deadline {
                bail!("it was not ready after {} s", START_MAX.as_secs());
            }
        }
    }

    /// Fast shutdown; where that takes too long, immediate; then the hard way. Once is enough.
    pub(super) fn stop(&self) {
        for (signal, patience) in [
            (Signal::INT, STOP_MAX),
            (Signal::QUIT, Duration::from_secs(5)),
            (Signal::KILL, Duration::from_secs(5)),
        ] {
            {
                let mut state = self.state.lock();
                state.stopping = true;
                // Under the lock the child has not been waited for, so the id is still its own.
                let Some(pid) = state.pid else { return };
                if signal != Signal::INT {
                    warn!(pid = %pid.as_raw_nonzero(), ?signal, "PostgreSQL does not stop");
                }
                let _ = kill_process(pid, signal);
            }
            if !matches!(
                self.ended.recv_timeout(patience),
                Err(RecvTimeoutError::Timeout)
            ) {
                return;
            }
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn watch(
    command: &CommandLine,
    state: &Mutex<State>,
    started: &Sender<Result<()>>,
    ended: &Sender<ExitStatus>,
) {
    loop {
        let mut child = {
            let mut state = state.lock();
            if state.stopping {
                return;
            }
            match command.spawn() {
                Ok(child) => {
                    state.pid = Pid::from_raw(child.id().cast_signed());
                    let _ = started.send(Ok(()));
                    child
                }
                Err(error) if !state.restart => {
                    let _ = started.send(Err(error));
                    return;
                }
                Err(error) => {
                    error!(
                        error = format!("{error:#}"),
                        "cannot start PostgreSQL again"
                    );
                    drop(state);
                    thread::sleep(RESTART_AFTER);
                    continue;
                }
            }
        };
        let status = wait(&mut child, state);
        let over = {
            let state = state.lock();
            state.stopping || !state.restart
        };
        if over {
            let _ = ended.send(status);
            return;
        }
        error!(%status, "PostgreSQL ended by itself and is started again; see postgres.log");
        thread::sleep(RESTART_AFTER);
    }
}

/// Waits without freeing the process id, and frees it under the lock.
fn wait(child: &mut Child, state: &Mutex<State>) -> ExitStatus {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let pid = state.lock().pid;
    if let Some(pid) = pid {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(
            waitid(WaitId::Pid(pid), options),
            Err(rustix::io::Errno::INTR)
        ) {}
    }
    let mut state = state.lock();
    state.pid = None;
    child
        .wait()
        .expect("it is our child, and nobody else waits for it")
}

#[derive(Debug)]
struct CommandLine {
    place: Place,
    program: PathBuf,
    socket_folder: PathBuf,
    log: PathBuf,
    with_parent_death: bool,
}

impl CommandLine {
    fn spawn(&self) -> Result<Child> {
        let mut command = if self.with_parent_death {
            // SIGINT is PostgreSQL's fast shutdown.
            let mut command = self.place.command(Path::new("setpriv"));
            command
                .args(["--pdeathsig", "INT", "--"])
                .arg(&self.program);
            command
        } else {
            self.place.command(&self.program)
        };
        command.arg("-D").arg(self.place.data());
        command
            .arg("-k")
            .arg(&self.socket_folder)
            .args(["-p", &PORT.to_string()]);
        for setting in [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "max_connections=100",
            "timezone=UTC",
            "log_timezone=UTC",
            "logging_collector=off",
            "log_destination=stderr",
        ] {
            command.args(["-c", setting]);
        }
        let log = open_log(&self.log)?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // A group of its own, or Ctrl-C would end it before us.
        command.process_group(0);
        command
            .spawn()
            .with_context(|| format!("cannot run {}", self.program.display()))
    }
}

/// Whether this system's `setpriv` can tie a child's life to ours.
fn can_die_with_parent() -> bool {
    let can = Command::new("setpriv")
        .args(["--pdeathsig", "INT", "--", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !can {
        info!("without `setpriv`, PostgreSQL outlives a killed tollgate until the next start");
    }
    can
}

/// What `postmaster.pid` says: the first line is the process, the eighth its state.
fn is_ready(cluster: &Path, pid: Pid) -> bool {
    let Ok(text) = fs::read_to_string(cluster.join("postmaster.pid")) else {
        return false;
    };
    let mut lines = text.lines();
    lines.next().and_then(parse_pid) == Some(pid)
        && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

fn parse_pid(line: &str) -> Option<Pid> {
    // A negative number is a lone backend's.
    line.trim()
        .parse::<i32>()
        .ok()
        .filter(|pid| *pid > 0)
        .and_then(Pid::from_raw)
}

/// Ends the server and its children that a killed process left running in this cluster. Then the
/// lock files are removed, whose numbers may belong to other processes by now (or to zombies),
/// which PostgreSQL itself cannot tell. The caller holds the place's lock, so nobody starts one.
pub(super) fn stop_leftover(cluster: &Path, socket_folder: &Path) -> Result<()> {
    let lock = cluster.join("postmaster.pid");
    let written = fs::read_to_string(&lock).unwrap_or_default();
    let postmaster = written.lines().next().and_then(parse_pid);
    for (signal, patience) in [
        (Signal::INT, STOP_MAX),
        (Signal::QUIT, Duration::from_secs(5)),
        (Signal::KILL, Duration::from_secs(5)),
    ] {
        let left = processes_of(cluster, postmaster);
        if left.is_empty() {
            break;
        }
        warn!(
            processes = left.len(),
            ?signal,
            "stopping the PostgreSQL that a killed tollgate left behind"
        );
        match postmaster.filter(|pid| left.contains(pid)) {
            // The rest follows it.
            Some(pid) if signal != Signal::KILL => _ = kill_process(pid, signal),
            _ => left.iter().for_each(|pid| _ = kill_process(*pid, signal)),
        }
        let deadline = Instant::now() + patience;
        while !processes_of(cluster, postmaster).is_empty() && Instant::now() < deadline {
            thread::sleep(LOOK_EVERY);
        }
    }
    if !processes_of(cluster, postmaster).is_empty() {
        bail!(
            "a PostgreSQL left behind in {} does not stop",
            cluster.display()
        );
    }
    remove_if_there(&lock)?;
    remove_if_there(&socket_folder.join(format!(".s.PGSQL.{PORT}.lock")))
}

/// The server of this cluster and its children: they work in its folder, and a zombie in none.
#[cfg(target_os = "linux")]
fn processes_of(cluster: &Path, _postmaster: Option<Pid>) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter(|process| {
            fs::read_link(process.path().join("cwd")).is_ok_and(|folder| folder == cluster)
                && fs::read_to_string(process.path().join("comm"))
                    .is_ok_and(|name| name.trim_end() == "postgres")
        })
        .filter_map(|process| parse_pid(&process.file_name().to_string_lossy()))
        .collect()
}

/// The server of this cluster, by its command line. Its children end with it.
#[cfg(not(target_os = "linux"))]
fn processes_of(cluster: &Path, postmaster: Option<Pid>) -> Vec<Pid> {
    let serves = |pid: &Pid| {
        Command::new("ps")
            .args([
                "-ww",
                "-o",
                "command=",
                "-p",
                &pid.as_raw_nonzero().to_string(),
            ])
            .output()
            .is_ok_and(|output| {
                let command = String::from_utf8_lossy(&output.stdout).into_owned();
                command.contains("postgres") && command.contains(&*cluster.to_string_lossy())
            })
    };
    postmaster.into_iter().filter(serves).collect()
}

fn read_from(path: &Path, begins: u64) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let begins = usize::try_from(begins).unwrap_or(0).min(bytes.len());
    String::from_utf8_lossy(&bytes[begins..]).into_owned()
}
