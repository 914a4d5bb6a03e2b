//! What a process reaches out to at its start: Postgres and Redis.

use std::time::Duration;

use anyhow::Result;
use limits::Limiter;
use secrecy::{ExposeSecret, SecretString};
use store::{Db, DbRole};
use tracing::info;

use crate::{
    config::{Config, Role},
    exit::NotReachable,
};

/// The pools, each in the role of its plane.
pub(super) struct Databases {
    pub(super) gateway: Option<Db>,
    pub(super) console: Option<Db>,
}

impl Databases {
    /// Connects in the roles that the process's planes need.
    pub(super) async fn connect(url: &SecretString, role: Role, config: &Config) -> Result<Self> {
        let connect = async |wanted: bool, role| {
            if !wanted {
                return Ok(None);
            }
            let db = Db::connect(url.expose_secret(), role, config.database_connections).await;
            db.map(Some).map_err(|error| unreachable_database(&error))
        };
        Ok(Self {
            gateway: connect(role.gateway(), DbRole::Gateway).await?,
            console: connect(role.console(), DbRole::Console).await?,
        })
    }

    /// Says so in the log where the login could do more than its role.
    pub(super) async fn warn_of_a_strong_login(&self) {
        if let Ok(true) = self.any().login_is_above_the_wall().await {
            tracing::warn!(
                "TOLLGATE_DATABASE_URL is the login of an owner or superuser. Every connection takes \
                 its role first, but a login of its own is better: create role app login noinherit \
                 password '…'; grant tollgate_console, tollgate_gateway to app;"
            );
        }
    }

    /// One of them, for what either role may do.
    pub(super) fn any(&self) -> &Db {
        self.gateway
            .as_ref()
            .or(self.console.as_ref())
            .expect("a process has a role")
    }

    pub(super) async fn close(&self) {
        for db in [&self.gateway, &self.console].into_iter().flatten() {
            // A connection in use by a task that was cut off must not hold the end up.
            let _ = tokio::time::timeout(Duration::from_secs(2), db.close()).await;
        }
    }
}

/// Says what Postgres said, and ends with the code for "not reachable".
pub(crate) fn unreachable_database(error: &store::StoreError) -> anyhow::Error {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        said = format!("{said}: {next}");
        cause = next.source();
    }
    NotReachable(format!("Postgres: {said}")).into()
}

/// Refuses to start on a database of an older release.
pub(super) async fn check_migrations(url: &SecretString) -> Result<()> {
    match store::migrations::missing(url.expose_secret()).await {
        Ok(missing) if missing.is_empty() => Ok(()),
        Ok(missing) => anyhow::bail!(
            "the database lacks {}: run `tollgate migrate` first",
            missing.join(", ")
        ),
        Err(error) => {
            // The application's login need not be one that may look. Whether Postgres is there at
            // all, the next step finds out.
            info!(%error, "cannot see whether migrations are missing");
            Ok(())
        }
    }
}

/// Redis, or this process's memory where none is configured (`dev` only).
pub(super) async fn limiter(config: &Config) -> Result<Limiter> {
    let Some(url) = &config.redis_url else {
        return Ok(Limiter::Local(limits::Local::new()));
    };
    limits::Redis::connect(url.expose_secret())
        .await
        .map(Limiter::Redis)
        .map_err(|error| {
            let why = error
                .0
                .map(|error| format!(": {error}"))
                .unwrap_or_default();
            NotReachable(format!("Redis{why}")).into()
        })
}
