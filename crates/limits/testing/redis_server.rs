//! A private Redis on a Unix socket in a folder of its own, for tests and benchmarks.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Ends with its owner.
pub(crate) struct RedisServer {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) child: Child,
}

impl RedisServer {
    /// Starts `redis-server` from the `PATH`, without persistence and without a TCP port.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let child = Self::spawn(&folder.path().join("redis.sock"));
        let server = Self { folder, child };
        server.wait();
        server
    }

    /// The URL to connect to.
    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub(crate) fn spawn(socket: &std::path::Path) -> Child {
        let folder = socket.parent().expect("the socket lies in a folder");
        Command::new("redis-server")
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--unixsocket",
            ])
            .arg(socket)
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server must be installed and on the PATH to run these tests")
    }

    pub(crate) fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() {
            assert!(
                Instant::now() < deadline,
                "redis-server did not open its socket in 10 s"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
