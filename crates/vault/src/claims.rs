//! What a grant token says, and how it is spelt.

use domain::{GrantId, OrgId, ServerId};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// The type in a token's header (RFC 8725, section 3.11): no other JWT can pass for a grant.
pub(crate) const TYP: &str = "tg-grant+jwt";
/// What stands before the JWT, so that secret scanners can find one.
pub(crate) const PREFIX: &str = "tg_";

/// What a grant token says. Source: product.md, "Grants".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The installation's id, fixed at its first start.
    pub issuer: Uuid,
    /// The grant.
    pub grant: GrantId,
    /// The organisation that owns it.
    pub org: OrgId,
    /// The one server it works for. The audience is this server's urn.
    pub server: ServerId,
    /// The token's version; rotation raises it.
    pub version: i32,
    /// When it was issued, in seconds since the Unix epoch.
    pub issued_at_s: u64,
    /// When it expires, in seconds since the Unix epoch. None: never.
    pub expires_at_s: Option<u64>,
}

/// The claims as JSON. The order of the members is part of the token: the same claims must give the
/// same bytes, because a token is shown again by signing it again.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    pub(crate) iss: String,
    pub(crate) aud: String,
    sub: GrantId,
    org: OrgId,
    srv: ServerId,
    ver: i32,
    iat: u64,
    // Absent, and not null, where the token never expires.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    exp: Option<u64>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    u64::deserialize(deserializer).map(Some)
}

/// The audience of every token for `server`, whichever URL it is used at.
pub(crate) fn audience(server: ServerId) -> String {
    format!("urn:tollgate:{server}")
}

impl Wire {
    pub(crate) fn new(claims: &Claims) -> Self {
        Self {
            iss: claims.issuer.hyphenated().to_string(),
            aud: audience(claims.server),
            sub: claims.grant,
            org: claims.org,
            srv: claims.server,
            ver: claims.version,
            iat: claims.issued_at_s,
            exp: claims.expires_at_s,
        }
    }

    pub(crate) fn server(&self) -> ServerId {
        self.srv
    }

    /// The claims, once `iss` is known to be `issuer`.
    pub(crate) fn claims(&self, issuer: Uuid) -> Claims {
        Claims {
            issuer,
            grant: self.sub,
            org: self.org,
            server: self.srv,
            version: self.ver,
            issued_at_s: self.iat,
            expires_at_s: self.exp,
        }
    }
}

/// A token's header, as every one of this product's tokens has it.
pub(crate) fn header(kid: &str) -> jsonwebtoken::Header {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
    header.typ = Some(TYP.to_owned());
    header.kid = Some(kid.to_owned());
    header
}
