//! The data folder of `tollgate dev`: who is using it, and the small files in it.
//!
//! ```text
//! .tollgate/
//!   lock            held while a `tollgate dev` uses the folder; its process id
//!   master.key      seals upstream credentials; made once (mode 0600)
//!   signing.key     seals the grants' signing keys; made once (mode 0600)
//!   postgres-dir    where the private PostgreSQL cluster is: `postgres` beside it, or elsewhere
//!   postgres.log    what PostgreSQL says
//!   running.json    how to reach it; there only while it runs
//!   spool/          audit events on their way to PostgreSQL
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::exit::NotReachable;

/// A data folder, locked: one process at a time.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// How other commands reach a running `tollgate dev`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The owner's login.
    pub(crate) database_url: String,
    /// Where people open the dashboard, for links.
    pub(crate) public_url: String,
    /// The process.
    pub(crate) pid: u32,
}

const RUNNING: &str = "running.json";
/// A process that was killed holds its locks for a moment longer.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);

impl DataDir {
    /// Makes the folder where it is not there, and takes its lock.
    ///
    /// # Errors
    /// The folder cannot be made, or another `tollgate dev` is using it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        make_private(path)?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot open the data folder {}", path.display()))?;
        ours_alone(&path)?;
        let lock = lock(&path.join("lock"), || {
            format!("the data folder {}", path.display())
        })?;
        // A killed process leaves its address behind.
        remove_if_there(&path.join(RUNNING))?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder, absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The key kept in the file `name`, which is made with `make` at the first start.
    pub(crate) fn key(&self, name: &str, make: fn() -> SecretString) -> Result<SecretString> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(SecretString::from(text.trim())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = make();
                write_private(&path, key.expose_secret().as_bytes())?;
                Ok(key)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Tells other commands how to reach this process.
    pub(crate) fn announce(&self, running: &Running) -> Result<()> {
        let text = serde_json::to_vec_pretty(running).context("a plain structure")?;
        write_private(&self.path.join(RUNNING), &text)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // The lock ends by itself; a file left behind is removed at the next start.
        let _ = fs::remove_file(self.path.join(RUNNING));
    }
}

impl Running {
    /// What the `tollgate dev` with this data folder announced.
    ///
    /// # Errors
    /// [`NotReachable`] where none is running.
    pub(crate) fn find(data: &Path) -> Result<Self> {
        let path = data.join(RUNNING);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("{} is not what was written there", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(NotReachable(format!(
                "no `tollgate dev` is running with the data folder {}",
                data.display()
            ))
            .into()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

/// Makes a folder, and its parents, that only its owner may open. One that is there stays as it is.
pub(crate) fn make_private(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the folder {}", path.display()))
}

/// Whoever else owns a folder or may write to it can put links in place of the files that are written
/// there, and so have this process, which may be root's, overwrite or give away any file it can.
fn ours_alone(folder: &Path) -> Result<()> {
    let meta =
        fs::metadata(folder).with_context(|| format!("cannot look at {}", folder.display()))?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        bail!(
            "the data folder {} belongs to the user with the id {}: run as that user, or choose \
             another folder with --data",
            folder.display(),
            meta.uid()
        );
    }
    if meta.mode() & 0o002 != 0 {
        bail!(
            "anybody may write to the data folder {}: choose another one with --data, or take that \
             away with `chmod o-w`",
            folder.display()
        );
    }
    Ok(())
}

/// Takes the lock on a file, or says who has it.
pub(crate) fn lock(path: &Path, what: impl Fn() -> String) -> Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let deadline = Instant::now() + LOCK_WAIT_MAX;
    let mut tried = file.try_lock();
    while matches!(tried, Err(TryLockError::WouldBlock)) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
        tried = file.try_lock();
    }
    match tried {
        Ok(()) => {
            file.set_len(0)?;
            write!(file, "{}", std::process::id())?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).unwrap_or_default();
            let holder = holder.trim();
            let process = match holder {
                "" => String::new(),
                pid => format!(" (process {pid})"),
            };
            bail!("{} is in use by another `tollgate dev`{process}", what())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Writes a file whole or not at all, for its owner's eyes only.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.as_file()
            .set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

pub(crate) fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_folder_serves_one_process_at_a_time_and_says_whose_it_is() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/.tollgate");
        let first = DataDir::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        let refused = DataDir::open(&path).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(
            refused.ends_with(&format!("in use by another `tollgate dev` (process {pid})")),
            "{refused}"
        );
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, Permissions::from_mode(0o777)).unwrap();
        std::os::unix::fs::symlink(&victim, data.join("lock")).unwrap();
        let refused = DataDir::open(&data).unwrap_err().to_string();
        assert!(refused.contains("anybody may write to"), "{refused}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }

    #[test]
    fn root_uses_nobody_elses_folder() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink(&victim, data.join("lock")).unwrap();
        std::os::unix::fs::chown(&data, Some(61_234), None).unwrap();
        let refused = DataDir::open(&data).unwrap_err().to_string();
        assert!(refused.contains("the user with the id 61234"), "{refused}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }

    #[test]
    fn a_key_is_made_once_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let made = data
            .key("master.key", || SecretString::from("one"))
            .unwrap();
        let read = data
            .key("master.key", || SecretString::from("two"))
            .unwrap();
        assert_eq!(made.expose_secret(), read.expose_secret());
        assert_eq!(mode(&folder.path().join("master.key")), 0o600);
    }

    #[test]
    fn what_was_announced_is_gone_when_the_process_is() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        data.announce(&Running {
            database_url: "postgres://".into(),
            public_url: "http://127.0.0.1:1".into(),
            pid: 1,
        })
        .unwrap();
        assert_eq!(Running::find(folder.path()).unwrap().pid, 1);
        drop(data);
        let gone = Running::find(folder.path()).unwrap_err();
        assert!(gone.downcast_ref::<NotReachable>().is_some());
    }
}
