//! Organisations and who is in them.

use domain::{Actor, Email, Name, OrgId, Role, Scope, Slug, UserId};
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    Db, Page, PageRequest, Result, StoreError,
    admin_events::{Change, record},
    text::parse,
};

/// Up to which number slugs are tried in their order.
const SLUGS_IN_ORDER: u32 = 9;
/// How many are tried in all before saying that the slug is taken.
const SLUGS_TRIED_MAX: u32 = 20;

/// One user's place in one organisation.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The organisation.
    pub org: OrgId,
    /// Its name.
    pub name: Name,
    /// Its slug.
    pub slug: Slug,
    /// The user's role there.
    pub role: Role,
    /// Whether they are an auditor beside that.
    pub auditor: bool,
}

/// An organisation.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// The organisation.
    pub id: OrgId,
    /// Its name.
    pub name: Name,
    /// Its slug, the first part of its proxy URLs.
    pub slug: Slug,
    /// Since when its grants are refused; none unless it is suspended.
    pub suspended_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// Makes an organisation with `user` as its owner, its admin event included. The slug is `slug`, or
/// the first free of `slug-2` to `slug-9`, or one with a number that nobody can foresee, so that no
/// number of organisations, nor anybody who makes many, keeps others from a name. One that another
/// organisation gave up within the last year is not free.
///
/// # Errors
/// `Taken { field: "slug" }` where, against all odds, each number was in use.
pub async fn create(db: &Db, user: UserId, name: &Name, slug: &Slug) -> Result<Membership> {
    let org = OrgId::generate();
    let mut tx = db.begin(org).await?;
    let mut free = slug.clone();
    let mut tried = 1;
    while !claim(&mut tx, org, &free).await? {
        tried += 1;
        if tried > SLUGS_TRIED_MAX {
            return Err(StoreError::Taken { field: "slug" });
        }
        free = slug.numbered(if tried <= SLUGS_IN_ORDER {
            tried
        } else {
            unforeseen()
        });
    }
    sqlx::query!(
        "insert into organisations (id, name, slug) values ($1, $2, $3)",
        org.uuid(),
        name.as_str(),
        free.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into memberships (org_id, user_id, role) values ($1, $2, $3)",
        org.uuid(),
        user.uuid(),
        Role::Owner.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    let change = Change {
        action: "organisation.create",
        target: org.to_string(),
        label: name.as_str(),
        before: None,
        after: Some(json!({ "name": name, "slug": free })),
    };
    record(&mut tx, org, Some(Actor::Member(user)), change).await?;
    // Gateways meet the organisation with its first version.
    sqlx::query!(
        "select pg_notify('tollgate_config', $1 || ':1')",
        org.uuid().to_string()
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Membership {
        org,
        name: name.clone(),
        slug: free,
        role: Role::Owner,
        auditor: false,
    })
}

/// Four of the random bytes at the end of a fresh id.
fn unforeseen() -> u32 {
    let [.., a, b, c, d] = OrgId::generate().uuid().into_bytes();
    u32::from_be_bytes([a, b, c, d])
}

async fn claim(tx: &mut sqlx::PgConnection, org: OrgId, slug: &Slug) -> Result<bool> {
    let claimed = sqlx::query_scalar!(
        "select organisation_slug_claim($1, $2)",
        slug.as_str(),
        org.uuid(),
    )
    .fetch_one(tx)
    .await?;
    Ok(claimed == Some(true))
}

/// Who is in an organisation.
#[derive(Debug, Clone)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// Their address.
    pub email: Email,
    /// Their role here.
    pub role: Role,
    /// Whether they are an auditor beside that.
    pub auditor: bool,
    /// Since when.
    pub joined_at: OffsetDateTime,
}

/// The organisation's members, newest account first.
///
/// # Errors
/// Postgres failed.
pub async fn members(db: &Db, scope: &Scope, page: PageRequest) -> Result<Page<Member>> {
    let mut tx = db.begin(scope.org).await?;
    let rows = sqlx::query!(
        r#"select user_id, member_email(user_id) as "email!", role, auditor, joined_at
         from memberships
         where org_id = $1 and user_id < $2
         order by user_id desc limit $3"#,
        scope.org.uuid(),
        page.before(),
        page.fetch(),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let members = rows
        .into_iter()
        .map(|row| {
            let user = UserId::from_uuid(row.user_id);
            Ok(Member {
                user,
                email: parse("memberships", user, &row.email)?,
                role: parse("memberships", user, &row.role)?,
                auditor: row.auditor,
                joined_at: row.joined_at,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(page.cut(members, |member| member.user.uuid()))
}

/// The scope's organisation.
///
/// # Errors
/// `NotFound` where it is gone.
pub async fn get(db: &Db, scope: &Scope) -> Result<Organisation> {
    let mut tx = db.begin(scope.org).await?;
    let row = sqlx::query!(
        "select name, slug, suspended_at, created_at from organisations where id = $1",
        scope.org.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(StoreError::NotFound)?;
    tx.commit().await?;
    Ok(Organisation {
        id: scope.org,
        name: parse("organisations", scope.org, &row.name)?,
        slug: parse("organisations", scope.org, &row.slug)?,
        suspended_at: row.suspended_at,
        created_at: row.created_at,
    })
}
