//! Keys of the admin API.

use domain::{Actor, ApiKeyId, Capability, Label, Role, Scope};
use secrecy::SecretString;
use store::api_keys::ApiKey;
use time::OffsetDateTime;

use super::{ActionError, Expiry, Result, require};
use crate::state::Console;

/// A key that was just made, with the only sight of its secret.
pub(crate) struct Created {
    pub key: ApiKey,
    pub secret: SecretString,
}

/// Makes a key with a role of at most its maker's, and never owner.
pub(crate) async fn create(
    console: &Console,
    scope: &Scope,
    label: &Label,
    role: Role,
    expiry: Expiry,
) -> Result<Created> {
    require(scope, Capability::ManageOrganisation)?;
    // A key that could make keys could outlive its own revocation.
    if let Actor::Key { .. } = scope.actor {
        return Err(ActionError::NotForKeys("make API keys"));
    }
    if role == Role::Owner {
        return Err(ActionError::field(
            "/role",
            "cannot be owner for an API key",
        ));
    }
    if rank(role) > rank(scope.role) {
        return Err(ActionError::field("/role", "is more than your own role"));
    }
    let expires_at = expiry.resolve(OffsetDateTime::now_utc())?;
    let (secret, hash) = vault::make_api_key();
    let key = store::api_keys::create(&console.db, scope, label, role, hash, expires_at).await?;
    Ok(Created { key, secret })
}

/// Ends a key at once.
pub(crate) async fn revoke(console: &Console, scope: &Scope, id: ApiKeyId) -> Result<()> {
    require(scope, Capability::ManageOrganisation)?;
    Ok(store::api_keys::revoke(&console.db, scope, id).await?)
}

fn rank(role: Role) -> Option<usize> {
    Role::ALL.iter().position(|other| *other == role)
}
