//! Applying the migrations, and saying what is missing.

use sqlx::{
    Connection, PgConnection,
    migrate::{Migrate, Migrator},
};
use time::OffsetDateTime;

use crate::{Db, Result};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Applies every migration that is missing, under an advisory lock so that replicas may race.
/// `url` is the owner's login. Answers how many were applied.
///
/// # Errors
/// Postgres is not reachable or refuses a migration; or the database was migrated by another
/// release, in which a migration differs or which is newer than this one.
pub async fn run(url: &str) -> Result<usize> {
    let mut connection = PgConnection::connect(url).await?;
    let applied = run_on(&mut connection).await;
    // Closing gives the lock back too, whatever happened.
    connection.close().await?;
    applied
}

async fn run_on(connection: &mut PgConnection) -> Result<usize> {
    connection.lock().await.map_err(sqlx::Error::from)?;
    let before = applied(connection).await?;
    MIGRATOR
        .run_direct(None, connection, false)
        .await
        .map_err(sqlx::Error::from)?;
    Ok(applied(connection).await?.len() - before.len())
}

/// The names of the migrations that are missing, such as `0001_roles`.
///
/// # Errors
/// Postgres is not reachable.
pub async fn missing(url: &str) -> Result<Vec<String>> {
    let mut connection = PgConnection::connect(url).await?;
    let applied = applied(&mut connection).await?;
    connection.close().await?;
    Ok(MIGRATOR
        .iter()
        .filter(|migration| !applied.contains(&migration.version))
        .map(|migration| {
            format!(
                "{:04}_{}",
                migration.version,
                migration.description.replace(' ', "_")
            )
        })
        .collect())
}

/// The versions in the table that sqlx keeps; none where there is no table yet.
async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>> {
    let migrated = sqlx::query_scalar!(
        r#"select to_regclass('public._sqlx_migrations') is not null as "there!""#
    )
    .fetch_one(&mut *connection)
    .await?;
    if !migrated {
        return Ok(Vec::new());
    }
    let rows = connection
        .list_applied_migrations("_sqlx_migrations")
        .await
        .map_err(sqlx::Error::from)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// Makes the audit partitions of this month and the next three, if they are not there. Either role
/// may. Events that came without a partition are moved into the one made for them.
///
/// # Errors
/// Postgres failed, or a long transaction held the default partition for 5 s; trying again later
/// does no harm.
pub async fn make_partitions(db: &Db) -> Result<()> {
    let made = sqlx::query_scalar!(r#"select audit_partitions_make() as "made!""#)
        .fetch_one(&db.pool)
        .await?;
    if made > 0 {
        tracing::info!(made, "made audit partitions");
    }
    Ok(())
}

/// Drops the audit partitions of the months that ended before `kept_from`, for every organisation,
/// and answers how many. The console's role alone may; the database refuses to drop this month and
/// the one before.
///
/// # Errors
/// Postgres failed, or `kept_from` lies within the last month.
pub async fn drop_partitions(db: &Db, kept_from: OffsetDateTime) -> Result<i32> {
    let dropped = sqlx::query_scalar!(
        r#"select audit_partitions_drop($1) as "dropped!""#,
        kept_from
    )
    .fetch_one(&db.pool)
    .await?;
    Ok(dropped)
}
