//! The connection pool, in the role that the caller is entitled to.

use sqlx::PgPool;

use crate::Result;

/// The database role a process works under; each may do only what its plane needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbRole {
    /// `tollgate_console`: one organisation per transaction.
    Console,
    /// `tollgate_gateway`: reads the snapshot's columns, inserts audit rows.
    Gateway,
}

/// A pool whose every connection has taken its role.
#[derive(Debug, Clone)]
pub struct Db {
    pub(crate) pool: PgPool,
}

impl Db {
    /// Connects, doing `SET ROLE` on every connection.
    ///
    /// # Errors
    /// Postgres not reachable, or the login may not take the role.
    pub async fn connect(url: &str, role: DbRole, connections_max: u32) -> Result<Self> {
        todo!()
    }

    /// Whether Postgres answers, for `/readyz`.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<()> {
        todo!()
    }
}
