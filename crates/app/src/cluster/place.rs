//! Where the cluster lives, and as whom it runs.
//!
//! PostgreSQL refuses to run as root, so root hands it to an unprivileged user; and where that user
//! cannot reach the data folder (a home of mode 0700), the cluster lives elsewhere and a file in the
//! data folder says where. A place has this shape; what belongs to the account only is `data` and
//! `run`, so nothing that root writes can be swapped under its hands.
//!
//! ```text
//! postgres/    root's or the user's own
//!   lock       held while a `tollgate dev` uses the place
//!   data/      the cluster (mode 0700, the account's)
//!   run/       the Unix socket (mode 0700, the account's)
//! ```

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::data::{make_private, write_private};

/// Where new places go when the data folder cannot be reached; the first that works.
const ELSEWHERE: [&str; 2] = ["/var/lib", "/var/tmp"];
const POINTER: &str = "postgres-dir";

/// Who PostgreSQL runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Where the cluster is and who owns it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) base: PathBuf,
    pub(crate) account: Account,
}

impl Place {
    /// The place that the data folder already has, or a new one.
    pub(crate) fn find(data: &Path) -> Result<Self> {
        let me = rustix::process::geteuid().as_raw();
        let inside = data.join("postgres");
        let recorded = fs::read_to_string(data.join(POINTER)).ok();
        let existing = [
            Some(inside.clone()),
            recorded.map(|text| PathBuf::from(text.trim())),
        ]
        .into_iter()
        .flatten()
        .find_map(|base| {
            let owner = fs::metadata(base.join("data")).ok()?;
            Some((
                base,
                Account {
                    uid: owner.uid(),
                    gid: owner.gid(),
                },
            ))
        });
        let (base, account) = match existing {
            Some((base, account)) if me == 0 || me == account.uid => (base, account),
            Some((base, account)) => bail!(
                "the cluster in {} belongs to the user with the id {}: run as that user or as root",
                base.display(),
                account.uid
            ),
            None if me != 0 => (
                inside,
                Account {
                    uid: me,
                    gid: rustix::process::getegid().as_raw(),
                },
            ),
            None => {
                let account = unprivileged()?;
                let base = if reaches(account, data)? {
                    inside
                } else {
                    elsewhere()?
                };
                (base, account)
            }
        };
        make_private(&base)?;
        if me == 0 {
            // To be walked through, not listed.
            fs::set_permissions(&base, Permissions::from_mode(0o711))?;
            if base.starts_with(data) {
                fs::set_permissions(data, Permissions::from_mode(0o711))?;
            }
        }
        let text = base
            .to_str()
            .context("the path of the data folder is not UTF-8")?;
        write_private(&data.join(POINTER), text.as_bytes())?;
        Ok(Self { base, account })
    }

    /// The cluster's own folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    /// A command that runs as the account, in a folder it may read, without the caller's `PG…`
    /// settings, and without our own: they hold keys, and the account can read what its processes
    /// were started with. Dropping from root leaves the supplementary groups behind as well.
    pub(crate) fn command(&self, program: &Path) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(program);
        if rustix::process::geteuid().is_root() {
            command.uid(self.account.uid).gid(self.account.gid);
        }
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("PG") || text.starts_with("TOLLGATE_") {
                command.env_remove(name);
            }
        }
        command.current_dir("/").env("LC_ALL", "C");
        command
    }

    /// Makes a folder that is the account's alone.
    pub(crate) fn make_folder(&self, path: &Path) -> Result<()> {
        make_private(path)?;
        let make = || -> std::io::Result<()> {
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
            if rustix::process::geteuid().is_root() {
                chown(path, Some(self.account.uid), Some(self.account.gid))?;
            }
            Ok(())
        };
        make().with_context(|| format!("cannot prepare {}", path.display()))
    }
}

/// `postgres` where the system has such a user, else `nobody`.
fn unprivileged() -> Result<Account> {
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| {
            Some(Account {
                uid: id("-u", name)?,
                gid: id("-g", name)?,
            })
        })
        .context("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

fn id(which: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Whether every folder above `folder` lets the account through. `folder` itself is ours to open.
fn reaches(account: Account, folder: &Path) -> Result<bool> {
    for above in folder.ancestors().skip(1) {
        let meta =
            fs::metadata(above).with_context(|| format!("cannot look at {}", above.display()))?;
        let walks = if meta.uid() == account.uid {
            0o100
        } else if meta.gid() == account.gid {
            0o010
        } else {
            0o001
        };
        if meta.mode() & walks == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn elsewhere() -> Result<PathBuf> {
    let mut last = None;
    for parent in ELSEWHERE {
        match tempfile::Builder::new()
            .prefix("tollgate-dev-")
            .tempdir_in(parent)
        {
            Ok(folder) => return Ok(folder.keep()),
            Err(error) => last = Some(error),
        }
    }
    let error = last.context("there is at least one parent")?;
    Err(error).context(format!(
        "cannot make a folder in {}",
        ELSEWHERE.join(" or ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_of_mode_0700_is_not_reached_by_another_user() {
        let home = tempfile::Builder::new().tempdir_in("/var/tmp").unwrap();
        let data = home.path().join(".tollgate");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
        let stranger = Account {
            uid: 61_234,
            gid: 61_234,
        };
        assert!(!reaches(stranger, &data).unwrap());
        fs::set_permissions(home.path(), Permissions::from_mode(0o711)).unwrap();
        assert!(reaches(stranger, &data).unwrap());
        fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
        let owner = fs::metadata(home.path()).unwrap();
        assert!(
            reaches(
                Account {
                    uid: owner.uid(),
                    gid: owner.gid()
                },
                &data
            )
            .unwrap()
        );
    }

    #[test]
    fn the_place_stays_the_same_and_moves_with_its_folder() {
        let parent = tempfile::Builder::new().tempdir_in("/var/tmp").unwrap();
        let data = parent.path().join("a");
        fs::create_dir(&data).unwrap();
        let first = Place::find(&data).unwrap();
        first.make_folder(&first.data()).unwrap();
        assert_eq!(Place::find(&data).unwrap().base, first.base);
        let recorded = fs::read_to_string(data.join(POINTER)).unwrap();
        assert_eq!(Path::new(&recorded), first.base);

        if first.base.starts_with(&data) {
            let moved = parent.path().join("b");
            fs::rename(&data, &moved).unwrap();
            assert_eq!(Place::find(&moved).unwrap().base, moved.join("postgres"));
        } else {
            fs::remove_dir_all(&first.base).unwrap();
        }
    }
}
