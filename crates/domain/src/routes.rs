//! What the gateway knows: one organisation's servers, grants and published policies, as data.
//!
//! `store` reads a [`Snapshot`] inside one transaction and `gateway` compiles it into its routes.
//! It holds sealed credentials and no secret in the clear, and only the columns that the database
//! role `tollgate_gateway` may read.

use std::sync::Arc;

use crate::{
    ids::{GrantId, OrgId, PolicyId, ServerId},
    names::{Identity, Label, Name, Slug},
    tools::Tool,
};

/// One organisation's configuration at one version.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The organisation.
    pub org: OrgId,
    /// Its slug, the first part of `/mcp/{org}/{server}`.
    pub slug: Slug,
    /// The version this snapshot is of. Every change of configuration raises it by one.
    pub version: i64,
    /// A suspended organisation's grants are answered as if they were paused.
    pub suspended: bool,
    /// Its servers.
    pub servers: Vec<ServerRoute>,
    /// Its grants, revoked and expired ones left out.
    pub grants: Vec<GrantRoute>,
    /// The published version of each policy that has one.
    pub policies: Vec<PolicyRoute>,
}

/// A server, as much of it as a call needs.
#[derive(Debug, Clone)]
pub struct ServerRoute {
    /// The server.
    pub id: ServerId,
    /// Its slug, unique in the organisation.
    pub slug: Slug,
    /// Its name, for the audit log.
    pub name: Name,
    /// Where it is: an absolute http or https URL.
    pub upstream_url: String,
    /// The sealed header values that authenticate the organisation to it, in the format of
    /// `vault::Sealed`; none where the upstream asks for none.
    pub credential: Option<Vec<u8>>,
    /// What it offers; none where it was never discovered.
    pub inventory: Option<Arc<[Tool]>>,
    /// Whether calls go through, and say so, when limits cannot be checked. Off unless set.
    pub fail_open: bool,
}

/// A grant, as much of it as a call needs.
#[derive(Debug, Clone)]
pub struct GrantRoute {
    /// The grant.
    pub id: GrantId,
    /// The one server it works for.
    pub server: ServerId,
    /// Its policy; without one every call is refused.
    pub policy: Option<PolicyId>,
    /// Its label, for policies and the audit log.
    pub label: Label,
    /// Who it acts for.
    pub identity: Option<Identity>,
    /// Free labels that policies can compare, sorted by key.
    pub labels: Vec<(String, String)>,
    /// The token version that is accepted.
    pub token_version: i32,
    /// An older token version that is still accepted, and until when (Unix milliseconds).
    pub overlap: Option<(i32, u64)>,
    /// When it expires, in Unix milliseconds; none where its maker chose so.
    pub expires_at_ms: Option<u64>,
    /// A paused grant is refused until it is resumed.
    pub paused: bool,
}

/// A policy's published version.
#[derive(Debug, Clone)]
pub struct PolicyRoute {
    /// The policy.
    pub id: PolicyId,
    /// Its name.
    pub name: Name,
    /// The published version's number.
    pub version: i32,
    /// The document as its author wrote it. It was valid when it was published.
    pub document: Arc<str>,
}

/// The public half of a signing key, with which grant tokens are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    /// The key's name in a token's header.
    pub kid: String,
    /// The raw Ed25519 public key (RFC 8032, section 5.1.5).
    pub public_key: [u8; 32],
}
