//! Grants: issuing, changing and ending an agent's permission to call one server.

use std::time::Duration;

use domain::{Capability, GrantId, Identity, Label, PolicyId, Scope, ServerId};
use secrecy::SecretString;
use store::grants::{Grant, GrantEdit};
use time::OffsetDateTime;
use vault::Claims;

use super::{ActionError, Expiry, FieldFault, Result, expiry::whole_seconds, require};
use crate::state::Console;

/// The longest that a rotated-out token may go on working: one day.
pub(crate) const OVERLAP_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What a new grant is to be.
#[derive(Debug, Clone)]
pub(crate) struct NewGrant {
    pub label: Label,
    pub identity: Option<Identity>,
    pub labels: Labels,
    pub policy: Option<PolicyId>,
    pub expiry: Expiry,
}

/// A grant, with its token in sight.
pub(crate) struct Issued {
    pub grant: Grant,
    pub token: SecretString,
}

/// Free labels that policies can compare (`grant.labels.<key>`), sorted by key, each key once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels(Vec<(String, String)>);

impl Labels {
    /// The most labels one grant can have.
    pub(crate) const MAX: usize = 32;

    /// Keys are 1 to 64 of `A-Z a-z 0-9 _ . -`, values at most 200 visible characters.
    ///
    /// # Errors
    /// Every fault, each at `/labels/<key>`.
    pub(crate) fn parse(
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> std::result::Result<Self, Vec<FieldFault>> {
        let mut labels: Vec<_> = pairs.into_iter().collect();
        labels.sort();
        let mut faults = Vec::new();
        if labels.len() > Self::MAX {
            let detail = format!("has more than {} labels", Self::MAX);
            return Err(vec![FieldFault::new("/labels", detail)]);
        }
        for (index, (key, value)) in labels.iter().enumerate() {
            let at = format!("/labels/{}", escape(key));
            if !key_is_good(key) {
                let detail = "must be 1 to 64 of letters, digits, “_”, “.” and “-” in its key";
                faults.push(FieldFault::new(at.as_str(), detail));
            }
            if index > 0 && labels[index - 1].0 == *key {
                faults.push(FieldFault::new(at.as_str(), "is there twice"));
            }
            if value.chars().count() > 200 {
                faults.push(FieldFault::new(at, "is longer than 200 characters"));
            } else if value
                .chars()
                .any(|c| c.is_control() || domain::names::is_invisible(c))
            {
                faults.push(FieldFault::new(at, "may not contain invisible characters"));
            }
        }
        if faults.is_empty() {
            Ok(Self(labels))
        } else {
            Err(faults)
        }
    }

    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

fn key_is_good(key: &str) -> bool {
    (1..=64).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// One segment of a JSON pointer (RFC 6901, section 3).
pub(crate) fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// Issues a grant for one server and signs its first token.
pub(crate) async fn issue(
    console: &Console,
    scope: &Scope,
    server: ServerId,
    new: NewGrant,
) -> Result<Issued> {
    require(scope, Capability::ManageGrants)?;
    if new.policy.is_some() {
        require(scope, Capability::EditPolicies)?;
    }
    let now = whole_seconds(OffsetDateTime::now_utc());
    let new = store::grants::NewGrant {
        id: GrantId::generate(),
        label: new.label,
        identity: new.identity,
        labels: new.labels.into_pairs(),
        policy: new.policy,
        kid: console.signer.current_kid().to_owned(),
        issued_at: now,
        expires_at: new.expiry.resolve(now)?,
    };
    let grant = store::grants::issue(&console.db, scope, server, new).await?;
    sign(console, scope, grant)
}

/// Changes the label, identity or labels, and attaches or detaches the policy.
pub(crate) async fn update(
    console: &Console,
    scope: &Scope,
    id: GrantId,
    revision: Option<i32>,
    edit: GrantEdit,
) -> Result<Grant> {
    if edit.policy.is_some() {
        require(scope, Capability::EditPolicies)?;
    }
    // An edit of nothing needs what an edit of anything needs.
    let only_policy = edit.label.is_none() && edit.identity.is_none() && edit.labels.is_none();
    if !only_policy || edit.policy.is_none() {
        require(scope, Capability::ManageGrants)?;
    }
    Ok(store::grants::update(&console.db, scope, id, revision, edit).await?)
}

/// Refuses the grant's calls until it is resumed.
pub(crate) async fn pause(
    console: &Console,
    scope: &Scope,
    id: GrantId,
    revision: Option<i32>,
) -> Result<Grant> {
    require(scope, Capability::ManageGrants)?;
    Ok(store::grants::pause(&console.db, scope, id, revision).await?)
}

/// Lets a paused grant work again.
pub(crate) async fn resume(
    console: &Console,
    scope: &Scope,
    id: GrantId,
    revision: Option<i32>,
) -> Result<Grant> {
    require(scope, Capability::ManageGrants)?;
    Ok(store::grants::resume(&console.db, scope, id, revision).await?)
}

/// Ends the grant for good.
pub(crate) async fn revoke(
    console: &Console,
    scope: &Scope,
    id: GrantId,
    revision: Option<i32>,
) -> Result<Grant> {
    require(scope, Capability::ManageGrants)?;
    Ok(store::grants::revoke(&console.db, scope, id, revision).await?)
}

/// Signs the next token version with the newest key; the one before works for `overlap` more.
pub(crate) async fn rotate(
    console: &Console,
    scope: &Scope,
    id: GrantId,
    revision: Option<i32>,
    overlap: Duration,
) -> Result<Issued> {
    require(scope, Capability::ManageGrants)?;
    if overlap > OVERLAP_MAX {
        return Err(ActionError::field(
            "/overlap_seconds",
            "is more than a day (86400)",
        ));
    }
    let now = whole_seconds(OffsetDateTime::now_utc());
    let kid = console.signer.current_kid();
    let grant = store::grants::rotate(&console.db, scope, id, revision, kid, now, overlap).await?;
    sign(console, scope, grant)
}

/// Shows the present token again, which is noted as an admin event before it is shown.
pub(crate) async fn reveal(console: &Console, scope: &Scope, id: GrantId) -> Result<Issued> {
    require(scope, Capability::ManageGrants)?;
    let grant = store::grants::note_reveal(&console.db, scope, id).await?;
    sign(console, scope, grant)
}

/// The token is not stored: it is signed from the row, and the same row gives the same token.
fn sign(console: &Console, scope: &Scope, grant: Grant) -> Result<Issued> {
    let claims = Claims {
        issuer: console.installation,
        grant: grant.id,
        org: scope.org,
        server: grant.server,
        version: grant.token_version,
        issued_at_s: unix_seconds(grant.issued_at),
        expires_at_s: grant.expires_at.map(unix_seconds),
    };
    match console.signer.sign(&grant.kid, &claims) {
        Some(token) => Ok(Issued { grant, token }),
        None => Err(ActionError::Conflict(
            "the key that signed this grant is gone; rotate the grant to get a new token".into(),
        )),
    }
}

fn unix_seconds(at: OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp()).expect("grants are issued after 1970")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> std::result::Result<Labels, Vec<FieldFault>> {
        Labels::parse(
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
        )
    }

    #[test]
    fn labels_are_sorted_and_kept_as_written() {
        let parsed = labels(&[("team", "Ops ☂"), ("env", "")]).expect("good");
        assert_eq!(
            parsed.into_pairs(),
            [
                ("env".to_owned(), String::new()),
                ("team".to_owned(), "Ops ☂".to_owned())
            ]
        );
    }

    #[test]
    fn every_bad_label_is_named() {
        let long = "x".repeat(65);
        let faults = labels(&[("a/b", "1"), (&long, "1"), ("c", "\u{202e}"), ("", "")])
            .expect_err("four faults");
        let pointers: Vec<_> = faults.iter().map(|f| f.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/labels/",
                "/labels/a~1b",
                "/labels/c",
                &format!("/labels/{long}")
            ]
        );
        let many: Vec<_> = (0..33).map(|n| (format!("k{n}"), String::new())).collect();
        assert_eq!(
            Labels::parse(many).expect_err("too many")[0].pointer,
            "/labels"
        );
        assert!(labels(&[("a", "1"), ("a", "2")]).is_err());
    }
}
