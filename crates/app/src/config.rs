//! What Tollgate is told at its start: one struct, read once.
//!
//! A flag wins over the environment (`TOLLGATE_…`), that over a TOML file (`--config`), that over
//! the default. Everything that is wrong is reported together, and nothing unknown is passed over.

mod print;
mod reader;
mod sources;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use console::SignUp;
use domain::Email;
use ipnet::IpNet;
use secrecy::SecretString;
use vault::MasterKey;

use self::reader::Reader;
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
    /// `TOLLGATE_CONTACT_EMAIL`: who gets what people write in the contact form, which is only stored
    /// where nobody does. Default none, in `dev` an address that its terminal stands for.
    pub(crate) contact_email: Option<Email>,
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
            contact_email: r
                .parse("CONTACT_EMAIL", "an address such as you@example.com")
                .or_else(|| dev.then(|| DEV_OPERATOR.parse().ok()).flatten()),
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

/// Its letters are printed to the terminal.
const DEV_OPERATOR: &str = "operator@localhost";

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const METRICS_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);

fn loopback() -> Vec<IpNet> {
    ["127.0.0.0/8", "::1/128"]
        .map(|range| range.parse().expect("a range"))
        .into()
}

#[cfg(test)]
mod tests;
