//! The connection pool, in the role that the caller is entitled to.

use std::{str::FromStr, time::Duration};

use domain::OrgId;
use sqlx::{
    PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{Result, StoreError};

/// How long a caller waits for a connection before it is told that there is none.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A transaction that works for one organisation.
pub(crate) type Tx = Transaction<'static, Postgres>;

/// The database role a process works under; each may do only what its plane needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbRole {
    /// `tollgate_console`: one organisation per transaction.
    Console,
    /// `tollgate_gateway`: reads the snapshot's columns, inserts audit rows.
    Gateway,
}

impl DbRole {
    /// The role's name in Postgres.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Console => "tollgate_console",
            Self::Gateway => "tollgate_gateway",
        }
    }

    /// How a connection in this role is opened. The role is part of its start, so `RESET ROLE` and
    /// `DISCARD ALL` lead back to it and not to the login.
    ///
    /// # Errors
    /// `url` is not one of Postgres.
    pub fn options(self, url: &str) -> Result<PgConnectOptions> {
        Ok(PgConnectOptions::from_str(url)?
            .application_name(self.as_str())
            .options([
                ("role", self.as_str()),
                ("statement_timeout", self.statement_timeout()),
                ("idle_in_transaction_session_timeout", "60s"),
                ("timezone", "UTC"),
            ]))
    }

    /// A page must not hang on a query; a batch of audit rows may take its time.
    const fn statement_timeout(self) -> &'static str {
        match self {
            Self::Console => "10s",
            Self::Gateway => "30s",
        }
    }
}

/// A pool whose every connection has taken its role.
#[derive(Debug, Clone)]
pub struct Db {
    pub(crate) pool: PgPool,
}

impl Db {
    /// Connects; every connection takes the role before anything else is done with it.
    ///
    /// Each connection is checked for the role, and for standing under row-level security, before
    /// it joins the pool.
    ///
    /// # Errors
    /// Postgres not reachable, or the login may not take the role.
    pub async fn connect(url: &str, role: DbRole, connections_max: u32) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| Box::pin(check_role(connection, role)))
            .connect_with(role.options(url)?)
            .await?;
        Ok(Self { pool })
    }

    /// Whether Postgres answers, for `/readyz`.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query_scalar!(r#"select 1 as "one!""#)
            .fetch_one(&self.pool)
            .await?;
        Ok(())
    }

    /// Whether the login could step over the wall if it did not take its role: it is a superuser, or
    /// owns the tables. For a warning at the start.
    ///
    /// # Errors
    /// Postgres does not answer.
    pub async fn login_is_above_the_wall(&self) -> Result<bool> {
        let above = sqlx::query_scalar!(
            r#"select (r.rolsuper or r.rolbypassrls or pg_has_role(r.oid, c.relowner, 'member'))
                   as "above!"
               from pg_catalog.pg_roles r, pg_catalog.pg_class c
               where r.rolname = session_user and c.oid = 'organisations'::regclass"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(above)
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction for reading, and the few writes that are no configuration.
    pub(crate) async fn begin(&self, org: OrgId) -> Result<Tx> {
        let mut tx = self.pool.begin().await?;
        enter(&mut tx, org).await?;
        Ok(tx)
    }

    /// A transaction for changing configuration. It holds the organisation's row, so the changes of
    /// one organisation happen one after another: versions have neither gaps nor twins, and what a
    /// change has read stays true until it commits.
    pub(crate) async fn begin_change(&self, org: OrgId) -> Result<Tx> {
        let mut tx = self.begin(org).await?;
        sqlx::query_scalar!(
            "select id from organisations where id = $1 for no key update",
            org.uuid(),
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::NotFound)?;
        Ok(tx)
    }
}

async fn check_role(connection: &mut PgConnection, role: DbRole) -> Result<(), sqlx::Error> {
    let taken = sqlx::query!(
        r#"select rolname as "name!", (rolsuper or rolbypassrls) as "above_the_wall!"
           from pg_catalog.pg_roles where rolname = current_user"#
    )
    .fetch_one(connection)
    .await?;
    if taken.name != role.as_str() || taken.above_the_wall {
        return Err(sqlx::Error::Configuration(
            format!("connected as {} and not as {}", taken.name, role.as_str()).into(),
        ));
    }
    Ok(())
}

/// Sets the organisation that row-level security lets through, until the transaction ends.
pub(crate) async fn enter(tx: &mut PgConnection, org: OrgId) -> Result<()> {
    sqlx::query_scalar!(
        "select set_config('app.org_id', $1, true)",
        org.uuid().to_string(),
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}

/// Raises the organisation's configuration version and tells the gateways, both at the commit.
pub(crate) async fn raise_config(tx: &mut PgConnection, org: OrgId) -> Result<()> {
    sqlx::query!(
        "with raised as (
             update organisations set config_version = config_version + 1 where id = $1
             returning id, config_version
         )
         select pg_notify('tollgate_config', id || ':' || config_version) from raised",
        org.uuid(),
    )
    .execute(tx)
    .await?;
    Ok(())
}
