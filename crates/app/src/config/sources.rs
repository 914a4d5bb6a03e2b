//! Where settings come from, and which one wins.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::Path};

/// How a setting is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// As it is.
    Plain,
    /// Masked whole.
    Secret,
    /// With its user and password masked.
    Url,
}

/// Every setting: its name after `TOLLGATE_`, and how it is shown. A secret may also be given as the
/// file that holds it, by the name with `_FILE` behind it.
pub(super) const SETTINGS: &[(&str, Shown)] = &[
    ("DATABASE_URL", Shown::Url),
    ("MIGRATE_DATABASE_URL", Shown::Url),
    ("DATABASE_CONNECTIONS", Shown::Plain),
    ("REDIS_URL", Shown::Url),
    ("LISTEN", Shown::Plain),
    ("METRICS_LISTEN", Shown::Plain),
    ("PUBLIC_URL", Shown::Plain),
    ("MASTER_KEY", Shown::Secret),
    ("SIGNING_KEY", Shown::Secret),
    ("DATA", Shown::Plain),
    ("SPOOL_DIR", Shown::Plain),
    ("TRUSTED_PROXIES", Shown::Plain),
    ("UPSTREAM_ALLOW", Shown::Plain),
    ("SMTP_URL", Shown::Url),
    ("SMTP_FROM", Shown::Plain),
    ("CONTACT_EMAIL", Shown::Plain),
    ("SIGNUP", Shown::Plain),
    ("SHUTDOWN_GRACE_SECONDS", Shown::Plain),
    ("STALENESS_MAX_SECONDS", Shown::Plain),
    ("FIRST_BYTE_SECONDS", Shown::Plain),
    ("SILENCE_SECONDS", Shown::Plain),
    ("CALL_SECONDS", Shown::Plain),
    ("BODY_BYTES_MAX", Shown::Plain),
    ("CONNECTIONS_MAX", Shown::Plain),
    ("LOG", Shown::Plain),
    ("LOG_FORMAT", Shown::Plain),
    ("POSTGRES_BIN", Shown::Plain),
];

/// Variables that other programs around Tollgate read; they are no setting of this process.
const OTHERS: [&str; 2] = ["URL", "API_KEY"];

/// What a setting wins over: the greater level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    File,
    Environment,
    Flag,
}

/// Where a setting was written, in the words of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A setting as it was given. It may be a secret, so it is not printed.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) level: Level,
    pub(crate) origin: Origin,
}

/// All settings that were given, the winner of each, and what was not understood.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    values: BTreeMap<String, Value>,
    /// Unknown names and unreadable values.
    pub(crate) problems: Vec<String>,
}

impl Sources {
    /// Adds variables; names that do not begin with `TOLLGATE_` are not ours.
    pub(crate) fn environment(
        mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        for (name, text) in variables {
            let Some(name) = name
                .to_str()
                .and_then(|name| name.strip_prefix("TOLLGATE_"))
            else {
                continue;
            };
            let origin = format!("TOLLGATE_{name}");
            if OTHERS.contains(&name) {
                continue;
            }
            if !is_known(name) {
                self.problems.push(format!(
                    "{origin} is not a setting{}",
                    close_to(name, "TOLLGATE_", str::to_owned)
                ));
                continue;
            }
            match text.into_string() {
                // Set to nothing is what `FOO=` in a file of variables means: not set.
                Ok(text) if text.is_empty() => {}
                Ok(text) => self.set(name, text, Level::Environment, origin),
                Err(_) => self.problems.push(format!("{origin} is not UTF-8")),
            }
        }
        self
    }

    /// Adds a TOML file: the same names in lower case without `TOLLGATE_`.
    pub(crate) fn file(mut self, path: &Path, text: &str) -> Self {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let error: toml::de::Error = error;
                self.problems.push(format!(
                    "{}: {}",
                    path.display(),
                    error.to_string().trim_end()
                ));
                return self;
            }
        };
        for (key, value) in table {
            let origin = format!("{key} in {}", path.display());
            let name = key.to_ascii_uppercase();
            if !is_known(&name) || key != key.to_ascii_lowercase() {
                self.problems.push(format!(
                    "{origin} is not a setting{}",
                    close_to(&name, "", str::to_ascii_lowercase)
                ));
                continue;
            }
            match plain(&value) {
                Some(text) => self.set(&name, text, Level::File, origin),
                None => self.problems.push(format!(
                    "{origin} must be a text, a number or a list of texts"
                )),
            }
        }
        self
    }

    /// Adds a flag.
    pub(crate) fn flag(mut self, flag: &str, name: &str, text: Option<String>) -> Self {
        if let Some(text) = text {
            self.set(name, text, Level::Flag, flag.to_owned());
        }
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    fn set(&mut self, name: &str, text: String, level: Level, origin: String) {
        let value = Value {
            text,
            level,
            origin: Origin(origin),
        };
        let stronger = self
            .values
            .get(name)
            .is_some_and(|there| there.level > level);
        if !stronger {
            self.values.insert(name.to_owned(), value);
        }
    }
}

fn is_known(name: &str) -> bool {
    let file_of = name.strip_suffix("_FILE");
    SETTINGS
        .iter()
        .any(|(known, shown)| *known == name || (*shown != Shown::Plain && file_of == Some(known)))
}

/// `, did you mean …?` where one name is near.
fn close_to(name: &str, prefix: &str, spell: fn(&str) -> String) -> String {
    SETTINGS
        .iter()
        .map(|(known, _)| (distance(known, name), known))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, known)| format!("; did you mean {prefix}{}?", spell(known)))
        .unwrap_or_default()
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(|items| items.join(",")),
        _ => None,
    }
}
