//! What the gateway reads: versions of all organisations, one organisation's snapshot, and the
//! notifications between the two.

use std::{collections::HashMap, sync::Arc};

use domain::{
    GrantId, OrgId, PolicyId, ServerId, Tool,
    routes::{GrantRoute, PolicyRoute, ServerRoute, Snapshot},
};
use sqlx::{PgConnection, postgres::PgListener};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Db, Result,
    db::enter,
    grants,
    text::{parse, parse_option},
};

/// Every organisation with its `config_version`, in one query.
///
/// # Errors
/// Postgres failed.
pub async fn versions(db: &Db) -> Result<Vec<(OrgId, i64)>> {
    let rows = sqlx::query!("select id, config_version from organisations")
        .fetch_all(&db.pool)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (OrgId::from_uuid(row.id), row.config_version))
        .collect())
}

/// One organisation, read in one repeatable-read transaction; none where it is gone. Revoked and
/// expired grants are left out.
///
/// # Errors
/// Postgres failed, or a row does not parse.
pub async fn snapshot(db: &Db, org: OrgId) -> Result<Option<Snapshot>> {
    let mut tx = db
        .pool
        .begin_with("begin isolation level repeatable read, read only")
        .await?;
    enter(&mut tx, org).await?;
    let row = sqlx::query!(
        "select slug, config_version, suspended_at from organisations where id = $1",
        org.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let snapshot = Snapshot {
        org,
        slug: parse("organisations", org, &row.slug)?,
        version: row.config_version,
        suspended: row.suspended_at.is_some(),
        servers: servers(&mut tx, org).await?,
        grants: live_grants(&mut tx, org).await?,
        policies: published(&mut tx, org).await?,
    };
    tx.commit().await?;
    Ok(Some(snapshot))
}

async fn servers(tx: &mut PgConnection, org: OrgId) -> Result<Vec<ServerRoute>> {
    let tools = sqlx::query!(
        r#"select server_id, name, title, description, definition, class from tools
           where org_id = $1 and gone_at is null
           order by name collate "C""#,
        org.uuid(),
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut inventories: HashMap<Uuid, Vec<Tool>> = HashMap::new();
    for row in tools {
        let class = parse_option("tools", &row.name, row.class.as_deref())?;
        inventories.entry(row.server_id).or_default().push(Tool {
            name: row.name,
            title: row.title,
            description: row.description,
            definition: row.definition,
            class,
        });
    }
    let rows = sqlx::query!(
        "select id, slug, name, upstream_url, credential, fail_open, discovered_at
         from servers where org_id = $1 order by id",
        org.uuid(),
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = ServerId::from_uuid(row.id);
            let inventory = inventories.remove(&row.id).unwrap_or_default();
            Ok(ServerRoute {
                id,
                slug: parse("servers", id, &row.slug)?,
                name: parse("servers", id, &row.name)?,
                upstream_url: row.upstream_url,
                credential: row.credential,
                inventory: row.discovered_at.map(|_| inventory.into()),
                fail_open: row.fail_open,
            })
        })
        .collect()
}

async fn live_grants(tx: &mut PgConnection, org: OrgId) -> Result<Vec<GrantRoute>> {
    let rows = sqlx::query!(
        "select id, server_id, policy_id, label, identity, labels, token_version, expires_at,
                paused_at, previous_version, previous_until
         from grants
         where org_id = $1 and revoked_at is null and (expires_at is null or expires_at > now())
         order by id",
        org.uuid(),
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = GrantId::from_uuid(row.id);
            Ok(GrantRoute {
                id,
                server: ServerId::from_uuid(row.server_id),
                policy: row.policy_id.map(PolicyId::from_uuid),
                label: parse("grants", id, &row.label)?,
                identity: parse_option("grants", id, row.identity.as_deref())?,
                labels: grants::labels(id, row.labels)?,
                token_version: row.token_version,
                overlap: row.previous_version.zip(row.previous_until.map(unix_ms)),
                expires_at_ms: row.expires_at.map(unix_ms),
                paused: row.paused_at.is_some(),
            })
        })
        .collect()
}

async fn published(tx: &mut PgConnection, org: OrgId) -> Result<Vec<PolicyRoute>> {
    let rows = sqlx::query!(
        "select p.id, p.name, v.version, v.document
         from policies p
         join policy_versions v
             on v.org_id = p.org_id and v.policy_id = p.id and v.version = p.published_version
         where p.org_id = $1 order by p.id",
        org.uuid(),
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = PolicyId::from_uuid(row.id);
            Ok(PolicyRoute {
                id,
                name: parse("policies", id, &row.name)?,
                version: row.version,
                document: Arc::from(row.document),
            })
        })
        .collect()
}

/// Whole milliseconds, rounded down: nothing is accepted longer than it should be.
fn unix_ms(at: OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

/// A connection that hears of changes.
pub struct Changes {
    inner: PgListener,
}

/// Something that a process should read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An organisation's configuration was raised to a version.
    Config(OrgId, i64),
    /// A gateway met a tool that its inventory does not have.
    Refresh(ServerId),
    /// The set of verifying keys or data keys changed.
    Keys,
}

impl Changes {
    /// Listens from now on. Read all versions after this and not before, or a change in between
    /// goes unheard.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn listen(url: &str) -> Result<Self> {
        let mut inner = PgListener::connect(url).await?;
        inner
            .listen_all(["tollgate_config", "tollgate_refresh", "tollgate_keys"])
            .await?;
        Ok(Self { inner })
    }

    /// Waits for the next change. An error means the connection broke: listen again, and compare
    /// all versions, since notifications may have been missed.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn next(&mut self) -> Result<Change> {
        loop {
            let Some(notification) = self.inner.try_recv().await? else {
                let lost = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
                return Err(sqlx::Error::Io(lost).into());
            };
            match Change::read(notification.channel(), notification.payload()) {
                Some(change) => return Ok(change),
                // Any login of the database may notify; nothing follows from such a text.
                None => tracing::warn!(
                    channel = notification.channel(),
                    "a notification does not parse"
                ),
            }
        }
    }
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

impl Change {
    fn read(channel: &str, payload: &str) -> Option<Self> {
        match channel {
            "tollgate_config" => {
                let (org, version) = payload.split_once(':')?;
                let org = OrgId::from_uuid(org.parse().ok()?);
                Some(Self::Config(org, version.parse().ok()?))
            }
            "tollgate_refresh" => Some(Self::Refresh(ServerId::from_uuid(payload.parse().ok()?))),
            "tollgate_keys" => Some(Self::Keys),
            _ => None,
        }
    }
}

/// Asks whichever process discovers to refresh a server's inventory (from the gateway's role).
///
/// # Errors
/// Postgres failed.
pub async fn request_refresh(db: &Db, server: ServerId) -> Result<()> {
    sqlx::query!(
        "select pg_notify('tollgate_refresh', $1)",
        server.uuid().to_string(),
    )
    .execute(&db.pool)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_read_or_ignored() {
        let org = OrgId::generate();
        let text = org.uuid().to_string();
        assert_eq!(
            Change::read("tollgate_config", &format!("{text}:42")),
            Some(Change::Config(org, 42))
        );
        assert_eq!(
            Change::read("tollgate_keys", "anything"),
            Some(Change::Keys)
        );
        for (channel, payload) in [
            ("tollgate_config", text.as_str()),
            ("tollgate_config", "x:1"),
            ("tollgate_config", &format!("{text}:")),
            ("tollgate_config", &format!("{text}:1:2")),
            ("tollgate_refresh", "srv_1"),
            ("other", ""),
        ] {
            assert_eq!(Change::read(channel, payload), None, "{channel} {payload}");
        }
    }
}
