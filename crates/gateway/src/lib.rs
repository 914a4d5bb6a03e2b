//! The call path.

use std::{net::IpAddr, sync::Arc, time::Duration};
use domain::{OrgId, ServerId, routes::Snapshot};
use ipnet::IpNet;

/// What the gateway is given at its start.
pub struct Needs {
    pub limiter: Arc<limits::Limiter>,
    pub spool: Arc<spool::Spool>,
    pub dialler: upstream::Dialler,
    pub settings: Settings,
    /// Servers whose inventory should be looked at again; sends never wait.
    pub refresh: tokio::sync::mpsc::Sender<ServerId>,
}
/// How it behaves; every bound named.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://host[:port]`, without a slash at its end.
    pub public_url: String,
    pub trusted_proxies: Vec<IpNet>,
    pub body_bytes_max: usize,
    pub first_byte: Duration,
    pub silence: Duration,
    pub total: Duration,
    /// How old the configuration may be before every request is refused.
    pub staleness_max: Duration,
}
pub struct Gateway {}
impl Gateway {
    pub fn new(needs: Needs) -> Arc<Self> { todo!() }
    /// Replaces the keys; sessions sealed with the old keyring stay good while its keys are in the new one.
    pub fn set_keys(&self, verifier: vault::Verifier, keyring: Arc<vault::Keyring>) { todo!() }
    /// Compiles and swaps in one organisation's routes; an older version than the one in force is ignored.
    pub fn apply(&self, snapshot: Snapshot) { todo!() }
    pub fn forget(&self, org: OrgId) { todo!() }
    /// The organisations known, with their versions, to compare with Postgres.
    pub fn versions(&self) -> Vec<(OrgId, i64)> { todo!() }
    /// Called whenever all versions were compared and found current.
    pub fn confirm_current(&self) { todo!() }
    /// How old the configuration is; none before the first confirmation.
    pub fn staleness(&self) -> Option<Duration> { todo!() }
    /// `/mcp/…` and `/.well-known/jwks.json`. The peer's address comes in as `ConnectInfo<SocketAddr>`.
    pub fn router(self: &Arc<Self>) -> axum::Router { todo!() }
    /// Ends long streams with a comment so that a graceful shutdown can finish.
    pub fn shut_down(&self) { todo!() }
}
