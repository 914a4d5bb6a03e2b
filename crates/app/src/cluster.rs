//! A private PostgreSQL for `tollgate dev`: made once, started and stopped with the process,
//! listening on a Unix socket only, with the binaries that the system has.

mod binaries;
mod place;
mod postmaster;

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tracing::info;

use self::{binaries::Binaries, place::Place, postmaster::Postmaster};
use crate::data::{self, DataDir};

/// The owner of everything in the cluster. Whoever may open the socket's folder is trusted.
const OWNER: &str = "tollgate";
/// Only part of the socket's name: nothing listens on a port.
const PORT: u16 = 5432;
/// `sun_path` holds 104 bytes on macOS and 108 on Linux, the closing zero included.
const SOCKET_PATH_MAX: usize = 103;
/// The log is begun anew at a start that finds it grown past this many bytes.
const LOG_BYTES_MAX: u64 = 16 << 20;

/// A running cluster. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Cluster {
    postmaster: Postmaster,
    socket_folder: PathBuf,
    /// A short path where the place's own is too long for a socket; removed at the end.
    _short: Option<tempfile::TempDir>,
    _lock: File,
}

impl Cluster {
    /// Makes the cluster where there is none, stops a server that an earlier process left behind,
    /// and starts one. `binaries` is `TOLLGATE_POSTGRES_BIN`. Blocks for as long as it takes:
    /// a few seconds the first time, well under one later.
    ///
    /// # Errors
    /// No binaries, a place that another process is using, or a server that does not start; what
    /// PostgreSQL said is in the error.
    pub(crate) fn start(data: &DataDir, binaries: Option<&Path>) -> Result<Self> {
        let place = Place::find(data.path())?;
        let lock = data::lock(&place.base.join("lock"), || {
            format!("the cluster in {}", place.base.display())
        })?;
        let made_by = made_by(&place)?;
        let binaries = binaries::find(binaries, made_by)?;
        if made_by.is_none() {
            info!(version = binaries.major, folder = %place.base.display(), "making a PostgreSQL cluster");
            make(&place, &binaries)?;
        }
        let (socket_folder, short) = socket_folder(&place)?;
        postmaster::stop_leftover(&place.data(), &socket_folder)?;
        let log = data.path().join("postgres.log");
        if fs::metadata(&log).is_ok_and(|meta| meta.len() > LOG_BYTES_MAX) {
            data::remove_if_there(&log)?;
        }
        let postmaster = Postmaster::start(place, &binaries, &socket_folder, &log)?;
        Ok(Self {
            postmaster,
            socket_folder,
            _short: short,
            _lock: lock,
        })
    }

    /// The owner's login, with everything said, so that no `PG…` variable can change it.
    pub(crate) fn url(&self) -> String {
        let mut url = url::Url::parse("postgres://localhost/postgres").expect("a constant");
        url.set_username(OWNER).expect("it has a host");
        url.set_port(Some(PORT)).expect("it has a host");
        url.query_pairs_mut()
            .append_pair("host", &self.socket_folder.to_string_lossy())
            .append_pair("sslmode", "disable");
        url.into()
    }

    /// Ends the server as cleanly as it can be, in bounded time.
    pub(crate) fn stop(self) {
        drop(self);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.postmaster.stop();
    }
}

/// The major version that made the cluster; none where there is no cluster yet.
fn made_by(place: &Place) -> Result<Option<u32>> {
    let path = place.data().join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().parse().with_context(|| {
            format!("{} does not hold a version", path.display())
        })?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// `initdb`, next door first, so that one cut short is never taken for a cluster.
fn make(place: &Place, binaries: &Binaries) -> Result<()> {
    let half_made = place.base.join("data.new");
    if half_made.exists() {
        fs::remove_dir_all(&half_made)
            .with_context(|| format!("cannot remove {}", half_made.display()))?;
    }
    // Not every system has C.UTF-8; with C, text still sorts by its bytes.
    let mut said = String::new();
    for locale in ["C.UTF-8", "C"] {
        place.make_folder(&half_made)?;
        let output = place
            .command(&binaries.folder.join("initdb"))
            .arg("--pgdata")
            .arg(&half_made)
            .args([
                "--username",
                OWNER,
                "--encoding",
                "UTF8",
                "--no-instructions",
            ])
            .args([
                "--auth-local",
                "trust",
                "--auth-host",
                "reject",
                "--data-checksums",
            ])
            .arg(format!("--locale={locale}"))
            .output()
            .context("cannot run initdb")?;
        if output.status.success() {
            return fs::rename(&half_made, place.data()).context("cannot move the new cluster");
        }
        said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    }
    bail!("initdb failed: {said}")
}

/// Where the socket goes. A path too long for one is replaced by a short temporary one.
fn socket_folder(place: &Place) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    let run = place.base.join("run");
    let longest = format!("{}/.s.PGSQL.{PORT}", run.display());
    if longest.len() <= SOCKET_PATH_MAX {
        place.make_folder(&run)?;
        return Ok((run, None));
    }
    // One that a killed process could not remove.
    let record = place.base.join("socket-dir");
    if let Ok(old) = fs::read_to_string(&record) {
        let _ = fs::remove_dir_all(old);
    }
    let short = tempfile::Builder::new()
        .prefix("tollgate-")
        .tempdir_in("/tmp")
        .context("cannot make a folder for the socket in /tmp")?;
    place.make_folder(short.path())?;
    data::write_private(&record, short.path().to_string_lossy().as_bytes())?;
    Ok((short.path().to_owned(), Some(short)))
}

/// PostgreSQL's log, opened by us and handed over, so that its account need not reach it.
fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}
