//! Finding PostgreSQL's server binaries.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

/// The oldest PostgreSQL that the migrations are written for.
pub(crate) const MAJOR_MIN: u32 = 15;

/// A folder with `postgres` and `initdb` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The major version, such as 15.
    pub(crate) major: u32,
}

/// The newest binaries here, or those of version `cluster`, which is what made the data that is
/// there already. `configured` (`TOLLGATE_POSTGRES_BIN`) names the only folder to look in.
///
/// # Errors
/// None fits; the sentence says what to install.
pub(crate) fn find(configured: Option<&Path>, cluster: Option<u32>) -> Result<Binaries> {
    let folders = match configured {
        Some(folder) => vec![folder.to_owned()],
        None => usual_folders(),
    };
    let found: Vec<Binaries> = folders
        .iter()
        .filter_map(|folder| look_in(folder))
        .collect();
    if let Some(best) = choose(&found, cluster) {
        return Ok(best.clone());
    }
    let here = match found
        .iter()
        .map(|b| b.major.to_string())
        .reduce(|a, b| a + ", " + &b)
    {
        Some(versions) => format!("only version {versions} is installed"),
        None => match configured {
            Some(folder) => format!("{} has no postgres and initdb", folder.display()),
            None => "no PostgreSQL server binaries are installed".to_owned(),
        },
    };
    match cluster {
        Some(major) => bail!(
            "the data was made by PostgreSQL {major}, and {here}: install PostgreSQL {major}, or \
             start with another data folder"
        ),
        None => bail!(
            "`tollgate dev` needs PostgreSQL {MAJOR_MIN} or newer, and {here}: `make run` installs \
             it, or name its folder in TOLLGATE_POSTGRES_BIN"
        ),
    }
}

/// Data is opened by the version that made it and by no other.
fn choose(found: &[Binaries], cluster: Option<u32>) -> Option<&Binaries> {
    match cluster {
        Some(major) => found.iter().find(|b| b.major == major),
        None => found
            .iter()
            .filter(|b| b.major >= MAJOR_MIN)
            .max_by_key(|b| b.major),
    }
}

/// `PATH`, and where Debian, the PostgreSQL project's RPMs and Homebrew put each version.
fn usual_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default();
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
    ] {
        let Ok(entries) = fs::read_dir(parent) else {
            continue;
        };
        folders.extend(
            entries
                .flatten()
                .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
                .map(|entry| entry.path().join("bin")),
        );
    }
    folders
}

fn look_in(folder: &Path) -> Option<Binaries> {
    let postgres = folder.join("postgres");
    if !postgres.is_file() || !folder.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(&postgres).arg("--version").output().ok()?;
    let major = major(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries {
        folder: folder.to_owned(),
        major,
    })
}

/// From `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`, `… 18beta1` and the like.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_each_system_prints_it() {
        for (text, expected) in [
            (
                "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n",
                Some(15),
            ),
            ("postgres (PostgreSQL) 17.2 (Homebrew)", Some(17)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 16", Some(16)),
            ("mysqld 8", None),
            ("", None),
        ] {
            assert_eq!(major(text), expected, "{text}");
        }
    }

    #[test]
    fn new_data_takes_the_newest_and_old_data_its_own() {
        let found: Vec<Binaries> = [14, 16, 15]
            .map(|major| Binaries {
                folder: PathBuf::from(format!("/{major}")),
                major,
            })
            .into();
        assert_eq!(choose(&found, None).map(|b| b.major), Some(16));
        assert_eq!(choose(&found, Some(15)).map(|b| b.major), Some(15));
        assert_eq!(choose(&found, Some(17)), None);
        assert_eq!(choose(&found[..1], None), None);
    }

    #[test]
    fn a_folder_without_postgres_is_named() {
        let empty = tempfile::tempdir().unwrap();
        let said = find(Some(empty.path()), None).unwrap_err().to_string();
        assert!(
            said.contains(&format!("{} has no postgres", empty.path().display())),
            "{said}"
        );
        let said = find(Some(empty.path()), Some(13)).unwrap_err().to_string();
        assert!(
            said.starts_with("the data was made by PostgreSQL 13"),
            "{said}"
        );
    }
}
