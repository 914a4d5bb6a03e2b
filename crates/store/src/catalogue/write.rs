//! Loading the catalogue, as the owner of the tables.

mod changes;
mod json;
mod load;
mod recount;
mod stored;

use std::collections::HashMap;

use domain::{
    catalogue::{KnownServer, KnownTool, Release},
    tools::ToolClass,
};
use sqlx::{Connection, PgConnection};

use super::{Given, rows};
use crate::{Db, Result, StoreError, text};

/// One server to load.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is known of it.
    pub server: KnownServer,
    /// None: not scanned yet. Tools that are known already stay known.
    pub tools: Option<Vec<KnownTool>>,
    /// How its tool list changed, the newest first, where the source says so; else a load records
    /// what it changes.
    pub releases: Vec<Release>,
}

/// What a load did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Servers that were not there.
    pub added: u32,
    /// Servers of which something changed.
    pub changed: u32,
    /// Servers that were as they are.
    pub unchanged: u32,
    /// Servers left as they were, because a better source knows them: what ships with Tollgate
    /// before what was imported, and that before what a registry says.
    pub kept: u32,
    /// Tools of the servers that were added or changed.
    pub tools: u32,
}

/// What the operator says of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The server's slug.
    pub slug: String,
    /// The tool's name.
    pub tool: String,
    /// Its class and risk, and why.
    pub given: Given,
}

/// What the stored catalogue was made by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Of the servers that ship with Tollgate.
    pub shipped: u64,
    /// Of the classifier's rules.
    pub rules: u64,
}

/// The owner's connection, with which the catalogue is written.
///
/// Whatever changes it happens in one transaction under one lock, so replicas may race, and a reader
/// sees all of it or nothing.
#[derive(Debug)]
pub struct Loader {
    connection: PgConnection,
}

impl Loader {
    /// Connects with the owner's URL.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn connect(url: &str) -> Result<Self> {
        let connection = PgConnection::connect(url).await?;
        Ok(Self { connection })
    }

    /// Ends the connection.
    ///
    /// # Errors
    /// Postgres is gone already.
    pub async fn close(self) -> Result<()> {
        Ok(self.connection.close().await?)
    }

    /// Loads servers with their tools: all of them or none. What is as it was is left alone, and
    /// servers that are not among them stay. Of two with the same slug the later one counts.
    ///
    /// # Errors
    /// Postgres failed, or what is loaded breaks a rule of the tables.
    pub async fn load(&mut self, entries: &[Entry]) -> Result<LoadReport> {
        let mut tx = begin(&mut self.connection).await?;
        let (report, done) = load::load(&mut tx, entries).await?;
        if !done.is_nothing() {
            recount::recount(&mut tx, &done.touched).await?;
        }
        tx.commit().await?;
        Ok(report)
    }

    /// Takes out servers that a registry no longer has, of those that came from one, and answers how
    /// many there were.
    ///
    /// # Errors
    /// Postgres failed.
    pub async fn forget(&mut self, slugs: &[String]) -> Result<u32> {
        let mut tx = begin(&mut self.connection).await?;
        let gone = load::forget(&mut tx, slugs).await?;
        if gone > 0 {
            recount::recount(&mut tx, &[]).await?;
        }
        tx.commit().await?;
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }

    /// What the stored catalogue was made by; none before the first load.
    ///
    /// # Errors
    /// Postgres failed.
    pub async fn stamp(&mut self) -> Result<Option<Stamp>> {
        let row = sqlx::query!("select shipped_hash, rules_hash from catalogue_totals")
            .fetch_one(&mut self.connection)
            .await?;
        let number = |bytes: Option<Vec<u8>>| Some(u64::from_be_bytes(bytes?.try_into().ok()?));
        Ok(number(row.shipped_hash)
            .zip(number(row.rules_hash))
            .map(|(shipped, rules)| Stamp { shipped, rules }))
    }

    /// Remembers what the stored catalogue was made by.
    ///
    /// # Errors
    /// Postgres failed.
    pub async fn set_stamp(&mut self, stamp: Stamp) -> Result<()> {
        sqlx::query!(
            "update catalogue_totals set shipped_hash = $1, rules_hash = $2",
            &stamp.shipped.to_be_bytes()[..],
            &stamp.rules.to_be_bytes()[..]
        )
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Servers with their tools as they were loaded, without the operator's corrections: those after
    /// the slug, at most `limit`.
    ///
    /// # Errors
    /// Postgres failed.
    pub async fn entries(&mut self, after: &str, limit: u16) -> Result<Vec<Entry>> {
        stored::entries(&mut self.connection, after, limit).await
    }

    /// Has a tool taken for what the operator says, from now on and whatever is loaded later.
    ///
    /// # Errors
    /// `NotFound` where the catalogue has no such tool, or Postgres failed.
    pub async fn correct(&mut self, correction: &Correction) -> Result<()> {
        let mut tx = begin(&mut self.connection).await?;
        let server = server_of(&mut tx, &correction.slug, &correction.tool).await?;
        sqlx::query!(
            "insert into catalogue_corrections (slug, tool, class, risk, note)
             values ($1, $2, $3, $4, $5)
             on conflict (slug, tool) do update
             set class = excluded.class, risk = excluded.risk, note = excluded.note,
                 set_at = now()",
            correction.slug,
            correction.tool,
            correction.given.class.as_str(),
            correction.given.risk.as_str(),
            text::storable_option(correction.given.note.as_deref())
        )
        .execute(&mut *tx)
        .await?;
        corrected(&mut tx, server).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes the operator's correction back.
    ///
    /// # Errors
    /// `NotFound` where there is none, or Postgres failed.
    pub async fn clear(&mut self, slug: &str, tool: &str) -> Result<()> {
        let mut tx = begin(&mut self.connection).await?;
        let gone = sqlx::query!(
            "delete from catalogue_corrections where slug = $1 and tool = $2",
            slug,
            tool
        )
        .execute(&mut *tx)
        .await?;
        if gone.rows_affected() == 0 {
            return Err(StoreError::NotFound);
        }
        // A correction outlives its tool, so there may be nothing left to put right.
        match server_of(&mut tx, slug, tool).await {
            Err(StoreError::NotFound) => {}
            server => corrected(&mut tx, server?).await?,
        }
        tx.commit().await?;
        Ok(())
    }
}

/// A transaction in which nobody else writes the catalogue.
async fn begin(connection: &mut PgConnection) -> Result<sqlx::Transaction<'_, sqlx::Postgres>> {
    let mut tx = connection.begin().await?;
    sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtext('tollgate catalogue')::bigint) as "locked: ()""#
    )
    .fetch_one(&mut *tx)
    .await?;
    Ok(tx)
}

async fn server_of(tx: &mut PgConnection, slug: &str, tool: &str) -> Result<i64> {
    if slug.contains('\0') || tool.contains('\0') {
        return Err(StoreError::NotFound);
    }
    sqlx::query_scalar!(
        "select s.id from catalogue_servers s join catalogue_tools t on t.server_id = s.id
         where s.slug = $1 and t.name = $2",
        slug,
        tool
    )
    .fetch_optional(tx)
    .await?
    .ok_or(StoreError::NotFound)
}

async fn corrected(tx: &mut PgConnection, server: i64) -> Result<()> {
    sqlx::query!(
        "update catalogue_servers set changed_at = now() where id = $1",
        server
    )
    .execute(&mut *tx)
    .await?;
    recount::recount(tx, &[server]).await
}

/// The operator's corrections of one server's tools, for the classes of a registered server.
///
/// # Errors
/// Postgres failed.
pub async fn corrections(db: &Db, slug: &str) -> Result<HashMap<String, Given>> {
    let said = sqlx::query!(
        "select tool, class, risk, note from catalogue_corrections where slug = $1",
        slug.replace('\0', "\u{FFFD}")
    )
    .fetch_all(&db.pool)
    .await?;
    let given = said.into_iter().map(|said| {
        let class: ToolClass = text::parse("catalogue_corrections", &said.tool, &said.class)?;
        let given = Given {
            class,
            risk: rows::risk(&said.risk),
            note: said.note,
        };
        Ok((said.tool, given))
    });
    given.collect()
}
