//! The public halves of the signing keys, and what they say of a token.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::routes::VerifyingKey;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    claims::{Claims, PREFIX, TYP, Wire, audience, header},
    jwks,
};

/// The longest token that is looked at, in bytes. A real one has about 600.
pub const TOKEN_BYTES_MAX: usize = 2048;

/// The public halves of the signing keys; all that a gateway holds.
#[derive(Debug)]
pub struct Verifier {
    issuer: Uuid,
    issuer_text: String,
    keys: Vec<Key>,
    refused: Vec<String>,
}

#[derive(Debug)]
struct Key {
    kid: String,
    /// The first part of every token signed with this key, in base64url.
    header: String,
    public_key: [u8; 32],
    decoding: DecodingKey,
}

/// Why a token is not a grant's. For the log: outside, every one of them is the same 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Not three parts of canonical base64url, a header or a claim that no grant has, too long.
    #[error("malformed")]
    Malformed,
    /// Well-formed, and signed with a key that is not here.
    #[error("unknown key")]
    UnknownKey,
    /// The signature is not this key's over these bytes.
    #[error("bad signature")]
    Signature,
    /// Another installation's token.
    #[error("wrong issuer")]
    Issuer,
    /// `aud` is not the urn of `srv`.
    #[error("wrong audience")]
    Audience,
}

impl Verifier {
    /// A verifier for this installation's tokens.
    ///
    /// A public key that anyone could sign for (a point of small order, or one not in its canonical
    /// form) is left out, and its kid is in [`Verifier::refused`].
    #[must_use]
    pub fn new(issuer: Uuid, keys: &[VerifyingKey]) -> Self {
        let (sound, weak): (Vec<_>, Vec<_>) =
            keys.iter().partition(|key| is_sound(&key.public_key));
        let keys = sound
            .into_iter()
            .map(|key| Key {
                kid: key.kid.clone(),
                header: encode_header(&key.kid),
                public_key: key.public_key,
                decoding: DecodingKey::from_ed_der(&key.public_key),
            })
            .collect();
        Self {
            issuer,
            issuer_text: issuer.hyphenated().to_string(),
            keys,
            refused: weak.into_iter().map(|key| key.kid.clone()).collect(),
        }
    }

    /// The kids of the keys that were left out. Someone should look at a kid in here.
    #[must_use]
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Checks form, header, signature, issuer and that `aud` is the urn of `srv`. Not the expiry,
    /// state or version: those are asked of the snapshot at every request.
    ///
    /// A header is compared with those that the signer writes and never acted on, so no `alg`, no
    /// `jwk`, `jku`, `x5u` or `crit`, and no second spelling of any member gets a say.
    ///
    /// # Errors
    /// [`BadToken`], the first thing that is wrong, in the order of its variants.
    pub fn verify(&self, token: &str) -> Result<Claims, BadToken> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(BadToken::Malformed);
        }
        let jwt = token.strip_prefix(PREFIX).ok_or(BadToken::Malformed)?;
        let (message, signature) = jwt.rsplit_once('.').ok_or(BadToken::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(BadToken::Malformed)?;
        let payload = decode(payload)?;
        if decode(signature)?.len() != 64 {
            return Err(BadToken::Malformed);
        }
        let key = self
            .keys
            .iter()
            .find(|key| key.header == header)
            .ok_or_else(|| why_unknown(header))?;
        let good = jsonwebtoken::crypto::verify(
            signature,
            message.as_bytes(),
            &key.decoding,
            Algorithm::EdDSA,
        );
        if !matches!(good, Ok(true)) {
            return Err(BadToken::Signature);
        }
        // Only now are the claims read: nothing unsigned is.
        let wire: Wire = serde_json::from_slice(&payload).map_err(|_| BadToken::Malformed)?;
        if wire.iss != self.issuer_text {
            return Err(BadToken::Issuer);
        }
        if wire.aud != audience(wire.server()) {
            return Err(BadToken::Audience);
        }
        Ok(wire.claims(self.issuer))
    }

    /// The key set (RFC 7517, section 5), for `/.well-known/jwks.json`.
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        let keys: Vec<_> = self
            .keys
            .iter()
            .map(|key| jwks::jwk(&key.kid, &key.public_key))
            .collect();
        serde_json::json!({ "keys": keys })
    }
}

/// Base64url without padding, blanks or trailing bits: one spelling for each value.
fn decode(part: &str) -> Result<Vec<u8>, BadToken> {
    BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| BadToken::Malformed)
}

fn encode_header(kid: &str) -> String {
    let json = serde_json::to_vec(&header(kid)).expect("a header is plain JSON");
    BASE64_URL_SAFE_NO_PAD.encode(json)
}

/// Whether a header that is none of ours is a stranger's or a forger's. For the log alone.
fn why_unknown(part: &str) -> BadToken {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        typ: String,
        alg: String,
        kid: String,
    }
    let header = decode(part)
        .ok()
        .and_then(|json| serde_json::from_slice::<Strict>(&json).ok());
    match header {
        Some(header)
            if header.typ == TYP && header.alg == "EdDSA" && encode_header(&header.kid) == part =>
        {
            BadToken::UnknownKey
        }
        _ => BadToken::Malformed,
    }
}

/// Whether a public key is canonical and of large order.
///
/// For a key of small order there are signatures that hold for every message, and anyone can write
/// one. The y coordinates below are those of all eight points of small order; with any sign of x
/// they are refused, and so is every y that is not below p = 2^255 - 19 (RFC 8032, section 5.1.3).
/// Source of the values: order-8 points as in libsodium's `ge25519_has_small_order`.
fn is_sound(public_key: &[u8; 32]) -> bool {
    const P: [u8; 32] = little_endian(0xED, 0xFF, 0x7F);
    const SMALL: [[u8; 32]; 5] = [
        little_endian(0, 0, 0),
        little_endian(1, 0, 0),
        little_endian(0xEC, 0xFF, 0x7F),
        [
            0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF,
            0x98, 0xF0, 0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88,
            0x6D, 0x53, 0xFC, 0x05,
        ],
        [
            0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10,
            0x67, 0x0F, 0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77,
            0x92, 0xAC, 0x03, 0x7A,
        ],
    ];
    let mut y = *public_key;
    y[31] &= 0x7F;
    let canonical = y.iter().rev().lt(P.iter().rev());
    canonical && !SMALL.contains(&y)
}

const fn little_endian(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
