//! Admin events: one for each change of state, written by the function that makes the change, in
//! the same transaction.

use domain::{Actor, AdminEventId, ApiKeyId, OrgId, Scope, UserId};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Db, Page, PageRequest, Result};

/// One change of state, as it was.
#[derive(Debug, Clone)]
pub struct AdminEvent {
    /// The event.
    pub id: AdminEventId,
    /// When the change was made.
    pub at: OffsetDateTime,
    /// Who made it; none where the product itself did.
    pub actor: Option<Actor>,
    /// The member's address or the key's label, then.
    pub actor_label: String,
    /// Such as `grant.revoke`.
    pub action: String,
    /// The prefixed id of what was changed.
    pub target: String,
    /// Its name, then.
    pub target_label: String,
    /// What was, without secrets; none for what is new.
    pub before: Option<Value>,
    /// What is, without secrets; none for what is gone.
    pub after: Option<Value>,
}

/// The organisation's admin events, newest first.
///
/// # Errors
/// Postgres failed.
pub async fn list(db: &Db, scope: &Scope, page: PageRequest) -> Result<Page<AdminEvent>> {
    let mut tx = db.begin(scope.org).await?;
    let rows = sqlx::query!(
        "select id, at, actor_user, actor_key, actor_label, action, target, target_label,
                before, after
         from admin_events
         where org_id = $1 and id < $2
         order by id desc limit $3",
        scope.org.uuid(),
        page.before(),
        page.fetch(),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let items = rows
        .into_iter()
        .map(|row| AdminEvent {
            id: AdminEventId::from_uuid(row.id),
            at: row.at,
            actor: actor(row.actor_user, row.actor_key),
            actor_label: row.actor_label,
            action: row.action,
            target: row.target,
            target_label: row.target_label,
            before: row.before,
            after: row.after,
        })
        .collect();
    Ok(page.cut(items, |event| event.id.uuid()))
}

fn actor(user: Option<Uuid>, key: Option<Uuid>) -> Option<Actor> {
    let user = UserId::from_uuid(user?);
    Some(match key {
        Some(key) => Actor::Key {
            key: ApiKeyId::from_uuid(key),
            maker: user,
        },
        None => Actor::Member(user),
    })
}

/// What a change did, for its event.
pub(crate) struct Change<'a> {
    /// Such as `grant.revoke`.
    pub(crate) action: &'static str,
    /// The prefixed id.
    pub(crate) target: String,
    /// The name.
    pub(crate) label: &'a str,
    /// What was. Never a secret.
    pub(crate) before: Option<Value>,
    /// What is. Never a secret.
    pub(crate) after: Option<Value>,
}

/// Writes the event of a change that `tx` makes. The actor is called by the name they have now; an
/// `actor` of none is the product itself.
pub(crate) async fn record(
    tx: &mut PgConnection,
    org: OrgId,
    actor: Option<Actor>,
    change: Change<'_>,
) -> Result<()> {
    let key = match actor {
        Some(Actor::Key { key, .. }) => Some(key),
        _ => None,
    };
    sqlx::query!(
        "insert into admin_events (id, org_id, actor_user, actor_key, actor_label, action, target,
                                   target_label, before, after)
         values ($1, $2, $3, $4,
                 coalesce(
                     (select 'API key ' || k.label from api_keys k
                      where k.org_id = $2 and k.id = $4),
                     member_email($3),
                     $5),
                 $6, $7, $8, $9, $10)",
        AdminEventId::generate().uuid(),
        org.uuid(),
        actor.map(|actor| actor.user().uuid()),
        key.map(ApiKeyId::uuid),
        actor.map_or_else(|| "Tollgate".to_owned(), |actor| actor.user().to_string()),
        change.action,
        change.target,
        change.label,
        change.before,
        change.after,
    )
    .execute(tx)
    .await?;
    Ok(())
}
