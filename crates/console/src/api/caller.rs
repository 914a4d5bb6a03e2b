//! Who is calling: an API key, and nothing else.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use domain::{Capability, Scope};

use super::problem::ApiError;
use crate::{actions, state::Console};

/// The scope that the request's API key acts in: its role is the key's, cut to its maker's present
/// one, read anew for each request. A browser's session is never accepted here, so a page on
/// another site cannot make a browser act.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller(pub Scope);

impl Caller {
    /// Goes on only if the key's role has the capability; for reads, which have no action.
    pub(crate) fn require(&self, capability: Capability) -> Result<&Scope, ApiError> {
        actions::require(&self.0, capability)?;
        Ok(&self.0)
    }
}

impl FromRequestParts<Console> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, ApiError> {
        let hash = key_hash(&parts.headers)?;
        match store::api_keys::find(&console.db, hash).await? {
            Some(scope) => Ok(Self(scope)),
            // Unknown, revoked, expired and orphaned keys are all told the same.
            None => Err(ApiError::Unauthenticated("This API key is not valid.")),
        }
    }
}

fn key_hash(headers: &HeaderMap) -> Result<[u8; 32], ApiError> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = given.next() else {
        return Err(ApiError::Unauthenticated(
            "Send an API key: Authorization: Bearer tg_key_….",
        ));
    };
    // RFC 9110, section 11.1: the scheme's name is case-insensitive.
    let token = value
        .to_str()
        .ok()
        .filter(|_| given.next().is_none())
        .and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim_start_matches(' '))
        });
    token
        .and_then(vault::api_key_hash)
        .ok_or(ApiError::Unauthenticated(
            "This is not an API key: it should begin with tg_key_.",
        ))
}
