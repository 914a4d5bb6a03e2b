//! Dashboard and admin API: two doors to the same few actions.

use std::{net::IpAddr, sync::Arc};
use ipnet::IpNet;

/// What the console is given at its start.
pub struct Needs {
    pub db: store::Db,
    pub keyring: Arc<vault::Keyring>,
    pub signer: Arc<vault::Signer>,
    /// The `iss` of grant tokens.
    pub installation: uuid::Uuid,
    pub dialler: upstream::Dialler,
    pub mail: Mail,
    pub settings: Settings,
}
/// Where mail goes.
pub enum Mail { /** No mail: addresses need no confirmation and links are shown or printed. */ Off, /** `dev`: printed to the terminal. */ Terminal, Smtp { url: secrecy::SecretString, from: String } }
/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp { Open, Invite, Closed }
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://host[:port]`, without a slash at its end. Cookies are `Secure` where it is https.
    pub public_url: String,
    pub sign_up: SignUp,
    pub trusted_proxies: Vec<IpNet>,
    pub version: &'static str,
    /// Plain-http upstreams get credentials only inside these ranges.
    pub upstream_allow: Vec<IpNet>,
}
/// Pages, static files and the admin API.
pub fn router(needs: Needs) -> axum::Router { todo!() }
/// The OpenAPI 3.1 document, pretty-printed JSON, as committed in `docs/openapi.json`.
pub fn openapi() -> String { todo!() }
/// Every route, as (method, path pattern), for the test that walks them all.
pub fn routes() -> Vec<(String, String)> { todo!() }
/// Discovers one server's tools and stores them: what the background refresh calls.
pub async fn refresh(db: &store::Db, keyring: &vault::Keyring, dialler: &upstream::Dialler, server: domain::ServerId) -> Result<(), store::StoreError> { todo!() }
