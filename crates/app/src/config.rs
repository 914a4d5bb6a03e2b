//! What Tollgate is told at its start: one struct, read once.
//!
//! A flag wins over the environment (`TOLLGATE_…`), that over a TOML file (`--config`), that over
//! the default. Everything that is wrong is reported together, and nothing unknown is passed over.

mod print;
mod sources;

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use console::SignUp;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use vault::MasterKey;

pub(crate) use self::sources::{Sources, Value};
use crate::exit::Usage;

/// What a process does with its configuration; it says which parts are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `tollgate dev`: everything has a default.
    Dev,
    /// `tollgate serve`.
    Serve(Role),
    /// `tollgate migrate`.
    Migrate,
    /// A command that works on the database.
    Tool,
    /// A command that needs nothing in particular.
    Any,
}

/// The planes that a `serve` process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Both planes.
    All,
    /// The data plane: `/mcp/…`.
    Gateway,
    /// The control plane: pages and the admin API.
    Console,
}

impl Role {
    /// Whether the data plane runs here.
    pub(crate) const fn gateway(self) -> bool {
        matches!(self, Self::All | Self::Gateway)
    }

    /// Whether the control plane runs here.
    pub(crate) const fn console(self) -> bool {
        matches!(self, Self::All | Self::Console)
    }
}

/// One line of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The configuration. Each field's first word is its variable.
pub(crate) struct Config {
    /// `TOLLGATE_DATABASE_URL` / `_FILE`: PostgreSQL 15 or newer, the application's login.
    pub(crate) database_url: Option<SecretString>,
    /// `TOLLGATE_MIGRATE_DATABASE_URL` / `_FILE`: the owner's login, for `migrate`. Default: the
    /// application's.
    pub(crate) migrate_database_url: Option<SecretString>,
    /// `TOLLGATE_DATABASE_CONNECTIONS`: the most connections of each of the two database roles.
    /// Default 10.
    pub(crate) database_connections: u32,
    /// `TOLLGATE_REDIS_URL` / `_FILE`: Redis 7 or Valkey, for the limits. Without it, `dev` counts
    /// in memory.
    pub(crate) redis_url: Option<SecretString>,
    /// `TOLLGATE_LISTEN`: where people and agents connect. Default 127.0.0.1:8080; port 0 picks a
    /// free one.
    pub(crate) listen: SocketAddr,
    /// `TOLLGATE_METRICS_LISTEN`: where `/metrics` is; `off` for nowhere. Default 127.0.0.1:9090, in
    /// `dev` off.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// `TOLLGATE_PUBLIC_URL`: `https://host[:port]` as people and agents reach it, without a slash at
    /// its end. Default: made from what is listened on.
    pub(crate) public_url: Option<String>,
    /// `TOLLGATE_MASTER_KEY` / `_FILE`: 32 bytes, base64; seals upstream credentials and the like.
    pub(crate) master_key: Option<MasterKey>,
    /// `TOLLGATE_SIGNING_KEY` / `_FILE`: 32 bytes, base64; seals the grants' signing keys. The
    /// console's alone: a gateway does not keep it.
    pub(crate) signing_key: Option<MasterKey>,
    /// `TOLLGATE_SPOOL_DIR`: audit events on their way to PostgreSQL. Default: `spool` in the data
    /// folder.
    pub(crate) spool_dir: PathBuf,
    /// `TOLLGATE_DATA`: the data folder. Default `.tollgate`.
    pub(crate) data: PathBuf,
    /// `TOLLGATE_TRUSTED_PROXIES`: ranges whose `X-Forwarded-For` counts, comma-separated. Default
    /// none.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// `TOLLGATE_UPSTREAM_ALLOW`: ranges that may be dialled although they are not public,
    /// comma-separated. Default none, in `dev` loopback.
    pub(crate) upstream_allow: Vec<IpNet>,
    /// `TOLLGATE_SMTP_URL` / `_FILE`: where mail is sent. Without it addresses need no confirmation.
    pub(crate) smtp_url: Option<SecretString>,
    /// `TOLLGATE_SMTP_FROM`: who mail is from. Needed where mail is sent.
    pub(crate) smtp_from: Option<String>,
    /// `TOLLGATE_SIGNUP`: `open`, `invite` or `closed`. Default `open` in `dev` and where mail is
    /// sent, else `invite`.
    pub(crate) sign_up: SignUp,
    /// `TOLLGATE_SHUTDOWN_GRACE_SECONDS`: how long open calls may finish after SIGTERM. Default 30.
    pub(crate) shutdown_grace: Duration,
    /// `TOLLGATE_STALENESS_MAX_SECONDS`: how old a gateway's configuration may be before it refuses
    /// everything. Default 900.
    pub(crate) staleness_max: Duration,
    /// `TOLLGATE_FIRST_BYTE_SECONDS`: how long an upstream may take to begin its answer. Default 60.
    pub(crate) first_byte: Duration,
    /// `TOLLGATE_SILENCE_SECONDS`: how long an answer that has begun may pause. Default 300.
    pub(crate) silence: Duration,
    /// `TOLLGATE_CALL_SECONDS`: how long a call may take in all. Default 1800.
    pub(crate) total: Duration,
    /// `TOLLGATE_BODY_BYTES_MAX`: the longest request body. Default 4194304.
    pub(crate) body_bytes_max: usize,
    /// `TOLLGATE_CONNECTIONS_MAX`: connections open at once; more wait to be accepted. Default 8192.
    pub(crate) connections_max: usize,
    /// `TOLLGATE_LOG`: what is logged, as in `info,gateway=debug`. Default
    /// `info,sqlx=warn`.
    pub(crate) log: String,
    /// `TOLLGATE_LOG_FORMAT`: `text` or `json`. Default `text`.
    pub(crate) log_format: LogFormat,
    /// `TOLLGATE_POSTGRES_BIN`: the folder of the PostgreSQL that `dev` starts. Default: found.
    pub(crate) postgres_bin: Option<PathBuf>,
    /// What is odd but does not stop a start; logged once there is a log.
    pub(crate) warnings: Vec<String>,
}

/// Everything that is wrong with a configuration, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<String>);

impl From<Problems> for anyhow::Error {
    fn from(Problems(problems): Problems) -> Self {
        Usage(format!(
            "the configuration cannot be used:\n  {}",
            problems.join("\n  ")
        ))
        .into()
    }
}

const KEY_ADVICE: &str = "make one with `openssl rand -base64 32`";

impl Config {
    /// Reads the configuration for a purpose.
    ///
    /// # Errors
    /// All [`Problems`] together.
    pub(crate) fn read(sources: &Sources, purpose: Purpose) -> Result<Self, Problems> {
        let mut r = Reader {
            sources,
            problems: sources.problems.clone(),
        };
        let dev = purpose == Purpose::Dev;
        let data = r
            .text("DATA")
            .map_or_else(|| ".tollgate".into(), PathBuf::from);
        let smtp_url = r.secret("SMTP_URL");
        let mail = smtp_url.is_some();
        let mut config = Self {
            database_url: r.secret("DATABASE_URL"),
            migrate_database_url: r.secret("MIGRATE_DATABASE_URL"),
            database_connections: r.number("DATABASE_CONNECTIONS", 2..=1_000, 10),
            redis_url: r.secret("REDIS_URL"),
            listen: r
                .parse("LISTEN", "an address such as 127.0.0.1:8080")
                .unwrap_or(LISTEN),
            metrics_listen: r.metrics_listen(dev),
            public_url: r.public_url(),
            master_key: r.key("MASTER_KEY"),
            signing_key: r.key("SIGNING_KEY"),
            spool_dir: r
                .text("SPOOL_DIR")
                .map_or_else(|| data.join("spool"), PathBuf::from),
            data,
            trusted_proxies: r.ranges("TRUSTED_PROXIES").unwrap_or_default(),
            upstream_allow: r
                .ranges("UPSTREAM_ALLOW")
                .unwrap_or_else(|| if dev { loopback() } else { Vec::new() }),
            smtp_url,
            smtp_from: r.text("SMTP_FROM").map(str::to_owned),
            sign_up: r.sign_up(if dev || mail {
                SignUp::Open
            } else {
                SignUp::Invite
            }),
            shutdown_grace: r.seconds("SHUTDOWN_GRACE_SECONDS", 30),
            staleness_max: r.seconds("STALENESS_MAX_SECONDS", 900),
            first_byte: r.seconds("FIRST_BYTE_SECONDS", 60),
            silence: r.seconds("SILENCE_SECONDS", 300),
            total: r.seconds("CALL_SECONDS", 1_800),
            body_bytes_max: r.number("BODY_BYTES_MAX", 1_024..=64 << 20, 4 << 20),
            connections_max: r.number("CONNECTIONS_MAX", 1..=1_000_000, 8_192),
            log: r.text("LOG").unwrap_or("info,sqlx=warn").to_owned(),
            log_format: r.log_format(),
            postgres_bin: r.text("POSTGRES_BIN").map(PathBuf::from),
            warnings: Vec::new(),
        };
        if config.master_key.is_some()
            && config.master_key.as_ref().map(MasterKey::id)
                == config.signing_key.as_ref().map(MasterKey::id)
        {
            r.problem(
                "TOLLGATE_SIGNING_KEY is the same key as TOLLGATE_MASTER_KEY: each needs its own",
            );
        }
        match purpose {
            Purpose::Dev => config.check_dev(&mut r),
            Purpose::Serve(role) => config.check_serve(&mut r, role),
            Purpose::Any => {}
            Purpose::Migrate => {
                if config.migrate_database_url.is_none() && config.database_url.is_none() {
                    r.needs(
                        "MIGRATE_DATABASE_URL",
                        "where the owner of the tables logs in",
                    );
                }
            }
            Purpose::Tool => {
                if config.database_url.is_none() {
                    r.needs(
                        "DATABASE_URL",
                        "or --data with the data folder of a `tollgate dev`",
                    );
                }
            }
        }
        if r.problems.is_empty() {
            Ok(config)
        } else {
            Err(Problems(r.problems))
        }
    }

    fn check_dev(&self, r: &mut Reader<'_>) {
        if self.database_url.is_some() || self.migrate_database_url.is_some() {
            r.problem(
                "TOLLGATE_DATABASE_URL is set, but `tollgate dev` brings its own PostgreSQL: unset \
                 it, or use `tollgate serve`",
            );
        }
    }

    fn check_serve(&mut self, r: &mut Reader<'_>, role: Role) {
        if self.database_url.is_none() {
            r.needs(
                "DATABASE_URL",
                "such as postgres://user:password@host/tollgate",
            );
        }
        if role.gateway() && self.redis_url.is_none() {
            r.needs(
                "REDIS_URL",
                "where the limits are counted, such as redis://host:6379",
            );
        }
        // A key that is there and bad has been reported already.
        if !r.is_set("MASTER_KEY") {
            r.needs("MASTER_KEY", &format!("it seals secrets: {KEY_ADVICE}"));
        }
        if role.console() && !r.is_set("SIGNING_KEY") {
            r.needs(
                "SIGNING_KEY",
                &format!("it seals the grants' signing keys: {KEY_ADVICE}"),
            );
        }
        if !role.console() && r.is_set("SIGNING_KEY") {
            self.signing_key = None;
            self.warnings.push(
                "TOLLGATE_SIGNING_KEY was given to a gateway, which must not have it; take it away"
                    .into(),
            );
        }
        if role.console() {
            if self.sign_up == SignUp::Open && self.smtp_url.is_none() {
                r.problem(
                    "TOLLGATE_SIGNUP is open, but without TOLLGATE_SMTP_URL nobody's address can be \
                     confirmed: set it, or choose invite or closed",
                );
            }
            if self.smtp_url.is_some() && self.smtp_from.is_none() {
                r.needs(
                    "SMTP_FROM",
                    "who mail is from, such as Tollgate <no-reply@example.com>",
                );
            }
        }
    }
}

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1)), 8080);
const METRICS_LISTEN: SocketAddr =
    SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1)), 9090);

fn loopback() -> Vec<IpNet> {
    ["127.0.0.0/8", "::1/128"]
        .map(|range| range.parse().expect("a range"))
        .into()
}

/// Takes values out of the sources and collects what is wrong with them.
struct Reader<'a> {
    sources: &'a Sources,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    fn problem(&mut self, sentence: impl Into<String>) {
        self.problems.push(sentence.into());
    }

    fn needs(&mut self, name: &str, why: &str) {
        self.problem(format!("TOLLGATE_{name} is missing: {why}"));
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.sources.get(name)
    }

    fn is_set(&self, secret: &str) -> bool {
        self.value(secret).is_some() || self.value(&format!("{secret}_FILE")).is_some()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).map(|value| value.text.as_str())
    }

    fn parse<T: std::str::FromStr>(&mut self, name: &str, form: &str) -> Option<T> {
        let value = self.value(name)?;
        let parsed = value.text.trim().parse().ok();
        if parsed.is_none() {
            self.problem(format!(
                "{} must be {form}, not {:?}",
                value.origin, value.text
            ));
        }
        parsed
    }

    fn number<T>(&mut self, name: &str, range: std::ops::RangeInclusive<T>, default: T) -> T
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display + Copy,
    {
        let form = format!("a whole number from {} to {}", range.start(), range.end());
        match self.parse(name, &form) {
            Some(number) if !range.contains(&number) => {
                if let Some(value) = self.value(name) {
                    self.problem(format!("{} must be {form}, not {number}", value.origin));
                }
                default
            }
            Some(number) => number,
            None => default,
        }
    }

    fn seconds(&mut self, name: &str, default: u64) -> Duration {
        Duration::from_secs(self.number(name, 1..=86_400, default))
    }

    /// A secret given as it is, or as the file that holds it.
    fn secret(&mut self, name: &str) -> Option<SecretString> {
        let file = format!("{name}_FILE");
        match (self.value(name), self.value(&file)) {
            (Some(value), Some(path)) if value.level == path.level => {
                self.problem(format!(
                    "{} and {} are both set: one is enough",
                    value.origin, path.origin
                ));
                None
            }
            (Some(value), path) if path.is_none_or(|path| value.level > path.level) => {
                Some(SecretString::from(value.text.trim()))
            }
            (_, Some(path)) => match std::fs::read_to_string(&path.text) {
                Ok(text) => Some(SecretString::from(text.trim())),
                Err(error) => {
                    self.problem(format!(
                        "{}: cannot read {}: {error}",
                        path.origin, path.text
                    ));
                    None
                }
            },
            _ => None,
        }
        .filter(|secret| !secret.expose_secret().is_empty())
    }

    fn key(&mut self, name: &str) -> Option<MasterKey> {
        let text = self.secret(name)?;
        match MasterKey::parse(&text) {
            Ok(key) => Some(key),
            Err(error) => {
                self.problem(format!("TOLLGATE_{name} {error} ({KEY_ADVICE})"));
                None
            }
        }
    }

    fn ranges(&mut self, name: &str) -> Option<Vec<IpNet>> {
        let value = self.value(name)?;
        let mut ranges = Vec::new();
        for word in value
            .text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            let range = word
                .parse()
                .or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
            match range {
                Ok(range) => ranges.push(range),
                Err(_) => self.problem(format!(
                    "{} must be ranges such as 10.0.0.0/8, with commas between; {word:?} is none",
                    value.origin
                )),
            }
        }
        let mut seen = HashSet::new();
        ranges.retain(|range| seen.insert(*range));
        Some(ranges)
    }

    fn metrics_listen(&mut self, dev: bool) -> Option<SocketAddr> {
        match self.text("METRICS_LISTEN") {
            Some("off") => None,
            Some(_) => self.parse(
                "METRICS_LISTEN",
                "an address such as 127.0.0.1:9090, or off",
            ),
            None => (!dev).then_some(METRICS_LISTEN),
        }
    }

    fn public_url(&mut self) -> Option<String> {
        let value = self.value("PUBLIC_URL")?;
        let parsed = url::Url::parse(value.text.trim()).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if parsed.is_none() {
            self.problem(format!(
                "{} must be a scheme, a host and perhaps a port, such as \
                 https://tollgate.example.com, not {:?}",
                value.origin, value.text
            ));
        }
        parsed.map(|url| url.origin().ascii_serialization())
    }

    fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)], default: T) -> T {
        let Some(value) = self.value(name) else {
            return default;
        };
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == value.text) {
            return *found;
        }
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.problem(format!(
            "{} must be one of {}, not {:?}",
            value.origin,
            words.join(", "),
            value.text
        ));
        default
    }

    fn sign_up(&mut self, default: SignUp) -> SignUp {
        let words = [
            ("open", SignUp::Open),
            ("invite", SignUp::Invite),
            ("closed", SignUp::Closed),
        ];
        self.word("SIGNUP", &words, default)
    }

    fn log_format(&mut self) -> LogFormat {
        let words = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        self.word("LOG_FORMAT", &words, LogFormat::Text)
    }
}

#[cfg(test)]
mod tests;
