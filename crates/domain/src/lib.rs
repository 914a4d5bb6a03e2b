//! The words of the product as types: ids, names, who is asking, what gets recorded.
//!
//! Everything here is pure: no clock is read, nothing is sent, nothing is stored. Every other crate
//! may depend on this one and it depends on none of them, so that two rooms that must never meet
//! (`gateway` and `store`) can still hand each other data: [`routes`] one way, [`audit`] the other.

pub mod audit;
pub mod catalogue;
pub mod ids;
pub mod names;
pub mod roles;
pub mod routes;
pub mod tools;

pub use ids::{
    AdminEventId, ApiKeyId, ApprovalId, EventId, GrantId, OrgId, PolicyId, ServerId, UserId,
};
pub use names::{Email, Identity, Label, Name, Slug, ToolName};
pub use roles::{Actor, Capability, Role, Scope};
pub use tools::{Risk, Tool, ToolClass};
