//! All the cryptography there is: sealing secrets, signing grants, verifying tokens.

use domain::{GrantId, OrgId, ServerId, routes::VerifyingKey};
use secrecy::{SecretSlice, SecretString};
use uuid::Uuid;

/// 32 bytes from the environment or a file, base64.
pub struct MasterKey(());
#[derive(Debug, thiserror::Error)]
pub enum BadKey { #[error("is not base64")] NotBase64, #[error("is {0} bytes long, not 32")] Length(usize), #[error("is not random: make one with `openssl rand -base64 32`")] Weak }
impl MasterKey { pub fn parse(base64: &SecretString) -> Result<Self, BadKey> { todo!() } pub fn generate_base64() -> SecretString { todo!() } }

/// What a sealed value is bound to: it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub enum Binding<'a> {
    /// The header values of a server, for one origin (`https://host:port`).
    UpstreamCredential { org: OrgId, server: ServerId, origin: &'a str },
    /// A session id on its way through a client.
    McpSession { server: ServerId, grant: GrantId },
    /// A data key, by its kid.
    DataKey { kid: &'a str },
    /// A grants' signing key, by its kid.
    SigningKey { kid: &'a str },
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError { #[error("sealed with a key that is not here: {0}")] UnknownKey(String), #[error("does not open")] Altered }

/// Seals one short key under a master key (data keys, signing keys).
pub fn seal_under(master: &MasterKey, plain: &[u8], binding: Binding<'_>) -> Vec<u8> { todo!() }
pub fn open_under(master: &MasterKey, sealed: &[u8], binding: Binding<'_>) -> Result<SecretSlice<u8>, OpenError> { todo!() }

/// The data keys, open in memory. AES-256-GCM; every sealed value carries its key's id.
pub struct Keyring {}
impl Keyring {
    /// A fresh data key: its kid and the key sealed under `master`, to be stored.
    pub fn make_data_key(master: &MasterKey) -> (String, Vec<u8>) { todo!() }
    /// `rows` are (kid, sealed), newest first; the newest seals.
    pub fn open(master: &MasterKey, rows: &[(String, Vec<u8>)]) -> Result<Self, OpenError> { todo!() }
    pub fn seal(&self, plain: &[u8], binding: Binding<'_>) -> Vec<u8> { todo!() }
    pub fn unseal(&self, sealed: &[u8], binding: Binding<'_>) -> Result<SecretSlice<u8>, OpenError> { todo!() }
}

/// What a grant token says. Source: product.md, "Grants".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims { pub issuer: Uuid, pub grant: GrantId, pub org: OrgId, pub server: ServerId, pub version: i32, pub issued_at_s: u64, /** None: never. */ pub expires_at_s: Option<u64> }

/// The private halves; the console's alone.
pub struct Signer {}
impl Signer {
    /// kid, sealed private key, public key; to be stored.
    pub fn make_key(master: &MasterKey) -> (String, Vec<u8>, [u8; 32]) { todo!() }
    pub fn open(master: &MasterKey, rows: &[(String, Vec<u8>)]) -> Result<Self, OpenError> { todo!() }
    /// The kid that new tokens are signed with.
    pub fn current_kid(&self) -> &str { todo!() }
    /// `tg_` and the JWT. The same claims and kid give the same token. None where the kid is not here.
    pub fn sign(&self, kid: &str, claims: &Claims) -> Option<SecretString> { todo!() }
}

/// The public halves; all that a gateway holds.
pub struct Verifier {}
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken { #[error("malformed")] Malformed, #[error("unknown key")] UnknownKey, #[error("bad signature")] Signature, #[error("wrong issuer")] Issuer, #[error("wrong audience")] Audience }
impl Verifier {
    pub fn new(issuer: Uuid, keys: &[VerifyingKey]) -> Self { todo!() }
    /// Checks form, header, signature, issuer and that `aud` is the urn of `srv`. Not the expiry, state or version: those are asked of the snapshot at every request.
    pub fn verify(&self, token: &str) -> Result<Claims, BadToken> { todo!() }
    /// RFC 7517, for `/.well-known/jwks.json`.
    pub fn jwks(&self) -> serde_json::Value { todo!() }
}

/// Random bytes for sessions, CSRF and mailed tokens, and what is stored of them.
pub fn random_token() -> [u8; 32] { todo!() }
pub fn sha256(bytes: &[u8]) -> [u8; 32] { todo!() }
/// HMAC-SHA-256, for CSRF tokens bound to a session.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] { todo!() }
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool { todo!() }
/// `tg_key_` and 43 characters of base64url: an API key's secret.
pub fn make_api_key() -> (SecretString, [u8; 32]) { todo!() }
