//! What people wrote in the contact form, for whoever runs this installation. Not tenant data.

use std::{net::IpAddr, time::Duration};

use domain::{Email, Name};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Db, Result,
    accounts::{ATTEMPT_WINDOW, address_key, count},
    text::{parse, parse_option, storable},
};

/// Messages from one address within [`WINDOW`].
pub const PER_ADDRESS: i32 = 5;
/// Messages from everyone within [`WINDOW`].
pub const IN_ALL: i32 = 60;
/// How long a message counts. As long as an attempt to sign in, because each of the two forgets the
/// other's counts once their own window is over.
pub const WINDOW: Duration = ATTEMPT_WINDOW;

/// The most that is stored of one message, in characters.
pub const TEXT_CHARS_MAX: usize = 5_000;

/// So often may the mail server say that it will never take a letter, before it is not sent again.
pub const REFUSALS_MAX: i16 = 3;
/// As much is kept of what the mail server said, in characters.
const REFUSAL_CHARS_MAX: usize = 500;

/// The counter of all messages, beside those of accounts, whose keys all have an `@`.
const ALL: &str = "contact";

/// A message to be stored.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Who writes.
    pub name: Name,
    /// Where to answer; not proven.
    pub email: Email,
    /// Whom they work for, if they say.
    pub organisation: Option<Name>,
    /// At most [`TEXT_CHARS_MAX`].
    pub message: String,
}

/// A message that was stored.
#[derive(Debug, Clone)]
pub struct Message {
    /// UUIDv7: it carries the time.
    pub id: Uuid,
    /// When it was written, to the second, as its id says.
    pub at: OffsetDateTime,
    /// Who wrote.
    pub name: Name,
    /// Where to answer; not proven.
    pub email: Email,
    /// Whom they work for, if they said.
    pub organisation: Option<Name>,
    /// What they wrote.
    pub message: String,
    /// When the mail server took the letter to the operator; none while it has not.
    pub mailed_at: Option<OffsetDateTime>,
    /// How often the mail server said that it will never take it.
    pub refusals: u32,
    /// What the mail server said last.
    pub refusal: Option<String>,
    /// Since when the letter is not sent again.
    pub refused_at: Option<OffsetDateTime>,
}

/// Which messages to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that no letter was sent of.
    Unmailed,
    /// Of these, those whose letters are still to be sent.
    Waiting,
}

/// Counts a message before it is stored: at most [`PER_ADDRESS`] and [`IN_ALL`] in any [`WINDOW`],
/// as attempts to sign in are counted.
///
/// # Errors
/// `Throttled` where it must not be stored; it was not counted then.
pub async fn count_message(db: &Db, address: Option<IpAddr>) -> Result<()> {
    let address = address.map(|address| format!("contact {}", address_key(address)));
    count(db, (ALL, IN_ALL), (address, PER_ADDRESS), WINDOW).await
}

/// Stores a message and answers its id.
///
/// # Errors
/// Postgres failed.
pub async fn add(db: &Db, message: &NewMessage) -> Result<Uuid> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into contact_messages (id, name, email, organisation, message)
         values ($1, $2, $3, $4, $5)",
        id,
        message.name.as_str(),
        message.email.as_str(),
        message.organisation.as_ref().map(Name::as_str),
        storable(&message.message),
    )
    .execute(&db.pool)
    .await?;
    Ok(id)
}

/// The first `limit` messages, the oldest first.
///
/// # Errors
/// Postgres failed; `Corrupt` where a row does not parse.
pub async fn list(db: &Db, which: Which, limit: u32) -> Result<Vec<Message>> {
    let rows = sqlx::query!(
        "select id, name, email, organisation, message, mailed_at, refusals, refusal, refused_at
         from contact_messages
         where $1 or (mailed_at is null and ($2 or refused_at is null))
         order by id limit $3",
        which == Which::All,
        which == Which::Unmailed,
        i64::from(limit),
    )
    .fetch_all(&db.pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let organisation = row.organisation.as_deref();
            Ok(Message {
                id: row.id,
                at: written_at(row.id),
                name: parse("contact_messages", row.id, &row.name)?,
                email: parse("contact_messages", row.id, &row.email)?,
                organisation: parse_option("contact_messages", row.id, organisation)?,
                message: row.message,
                mailed_at: row.mailed_at,
                refusals: u32::try_from(row.refusals).unwrap_or_default(),
                refusal: row.refusal,
                refused_at: row.refused_at,
            })
        })
        .collect()
}

/// Remembers that the mail server took the letter.
///
/// # Errors
/// Postgres failed.
pub async fn mark_mailed(db: &Db, id: Uuid) -> Result<()> {
    sqlx::query!(
        "update contact_messages set mailed_at = now() where id = $1",
        id
    )
    .execute(&db.pool)
    .await?;
    Ok(())
}

/// Remembers that the mail server said that it will never take the letter, and what it said.
///
/// # Errors
/// Postgres failed.
pub async fn mark_refused(db: &Db, id: Uuid, said: &str) -> Result<()> {
    let said: String = said.chars().take(REFUSAL_CHARS_MAX).collect();
    sqlx::query!(
        "update contact_messages set refusals = refusals + 1, refusal = $2,
             refused_at = case when refusals + 1 >= $3 then now() end
         where id = $1",
        id,
        storable(&said),
        i32::from(REFUSALS_MAX)
    )
    .execute(&db.pool)
    .await?;
    Ok(())
}

fn written_at(id: Uuid) -> OffsetDateTime {
    let seconds = id.get_timestamp().map_or(0, |at| at.to_unix().0);
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
