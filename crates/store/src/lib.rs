//! Postgres: all the SQL there is, and the migrations.
//!
//! A module per thing stored, plain functions, no repository traits. Every function that touches an
//! organisation's rows takes a [`domain::Scope`] (or an [`domain::OrgId`], where the gateway's role
//! reads), runs in one transaction that sets `app.org_id`, and names `org_id` in its queries as
//! well: row-level security refuses what a query forgets.

pub mod accounts;
pub mod admin_events;
pub mod api_keys;
pub mod audit;
pub mod catalogue;
pub mod contact;
pub mod db;
pub mod grants;
pub mod keys;
pub mod migrations;
pub mod organisations;
pub mod page;
pub mod policies;
pub mod routes;
pub mod servers;
pub mod sessions;
mod text;

pub use db::{Db, DbRole};
pub use page::{Page, PageRequest};

/// What a store function could not do, and who can act on it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row in this organisation. Another organisation's row is this too.
    #[error("not found")]
    NotFound,
    /// A name or slug that must be unique is in use.
    #[error("{field} is already in use")]
    Taken {
        /// The field, as the API names it.
        field: &'static str,
    },
    /// The row changed since the caller read it.
    #[error("changed since it was read")]
    Stale,
    /// The row's state does not allow the change, such as resuming a revoked grant.
    #[error("{0}")]
    Conflict(&'static str),
    /// Too many attempts; the caller must wait.
    #[error("too many attempts; try again in {retry_after_s} s")]
    Throttled {
        /// Whole seconds until another attempt is counted.
        retry_after_s: u32,
    },
    /// A row that should parse into a domain type does not.
    #[error("a row of {table} does not parse")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's id as text.
        row: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Postgres failed or is not reachable.
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// What every function here answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
