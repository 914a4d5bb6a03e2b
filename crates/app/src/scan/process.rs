//! The process of a local server, with all that it starts. It may be hostile: its end does not
//! depend on its good will.

use std::{ffi::OsString, io, process::Stdio, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStderr, Command},
    task::JoinHandle,
    time::{Instant, sleep},
};

/// How much of what it complained last is kept, in bytes.
const COMPLAINT_BYTES_MAX: usize = 4 << 10;
/// How long it may take to end by itself, once nobody listens, and after it was asked to.
const LEAVE_WITHIN: Duration = Duration::from_millis(300);
const OBEY_WITHIN: Duration = Duration::from_millis(700);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long what escaped its group is looked for.
#[cfg(target_os = "linux")]
const SWEEP_WITHIN: Duration = Duration::from_secs(2);

/// A local server that was started. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
    group: Group,
    complaint: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts the command in a group of its own, with nothing of this environment but PATH and HOME:
    /// what a shell holds beside them is often a secret.
    pub(super) fn start(words: &[OsString], env: &[(String, SecretString)]) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        adopt_orphans();
        let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let kept = ["PATH", "HOME"].map(|name| (name, std::env::var_os(name)));
        let kept = kept
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let given = env
            .iter()
            .map(|(name, value)| (name, value.expose_secret()));
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(kept)
            .envs(given)
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
        let complaint = Arc::default();
        let stderr = child.stderr.take();
        let listener = stderr.map(|from| tokio::spawn(listen(from, Arc::clone(&complaint))));
        Ok(Self {
            child,
            group: Group(pid),
            complaint,
            listener,
        })
    }

    /// The last of what it wrote to its standard error.
    pub(super) fn complaint(&self) -> String {
        let bytes = self.complaint.lock();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Whether it ended by itself, and how: a sentence's end.
    pub(super) fn ended(&self) -> Option<String> {
        let state = self.group.leader_ended()?;
        Some(match (state.exit_status(), state.terminating_signal()) {
            (Some(code), _) => format!("it ended with exit code {code}"),
            (None, Some(signal)) => format!("it was ended by signal {signal}"),
            (None, None) => "it ended".to_owned(),
        })
    }

    /// Waits a little for its end and its last complaint, so that they can be told.
    pub(super) async fn settle(&mut self) {
        self.group.ends_within(LEAVE_WITHIN).await;
        if let Some(listener) = self.listener.take() {
            let _ = tokio::time::timeout(LEAVE_WITHIN, listener).await;
        }
    }

    /// Ends it, its group, and what escaped the group. Its streams are closed already.
    pub(super) async fn end(mut self) {
        if !self.group.ends_within(LEAVE_WITHIN).await {
            self.group.signal(Signal::TERM);
            self.group.ends_within(OBEY_WITHIN).await;
        }
        // Its number is still taken, by itself or its remains, so the group can be no other.
        self.group.signal(Signal::KILL);
        let _ = self.child.wait().await;
        #[cfg(target_os = "linux")]
        sweep().await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.id().is_some() {
            self.group.signal(Signal::KILL);
        }
    }
}

/// The group by its leader's number, which no other process gets before the leader is waited for.
#[derive(Debug, Clone, Copy)]
struct Group(Pid);

impl Group {
    fn signal(self, signal: Signal) {
        let _ = kill_process_group(self.0, signal);
    }

    /// How the leader ended, if it has; it is not waited for.
    fn leader_ended(self) -> Option<rustix::process::WaitIdStatus> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.0), look).ok().flatten()
    }

    async fn ends_within(self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            if self.leader_ended().is_some() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// Reads all it complains, so that it never waits for a reader, and keeps the last of it.
async fn listen(mut from: ChildStderr, complaint: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = vec![0; COMPLAINT_BYTES_MAX];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let mut kept = complaint.lock();
        kept.extend_from_slice(&chunk[..read]);
        let surplus = kept.len().saturating_sub(COMPLAINT_BYTES_MAX);
        kept.drain(..surplus);
    }
}

/// From here on what a child leaves behind becomes this process's own child, whatever group or
/// session it moved to. A scan has no other children.
#[cfg(target_os = "linux")]
fn adopt_orphans() {
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Kills the children that are left, and theirs when they are handed up in turn.
#[cfg(target_os = "linux")]
async fn sweep() {
    use rustix::process::{WaitOptions, kill_process, waitpid};

    let deadline = Instant::now() + SWEEP_WITHIN;
    loop {
        let left = children();
        if left.is_empty() || Instant::now() >= deadline {
            return;
        }
        for pid in left {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// The processes whose parent is this one.
#[cfg(target_os = "linux")]
fn children() -> Vec<Pid> {
    let me = std::process::id().to_string();
    let of_mine = |stat: &str| {
        // "pid (name) state parent …", and a name may hold anything.
        let (_, after) = stat.rsplit_once(") ")?;
        (after.split(' ').nth(1)? == me).then_some(())
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut found = Vec::new();
    for process in processes {
        let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        let pid = process.file_name().to_string_lossy().parse().ok();
        if let (Some(()), Some(pid)) = (of_mine(&stat), pid.and_then(Pid::from_raw)) {
            found.push(pid);
        }
    }
    found
}
