//! The admin API against a real PostgreSQL and a real, private MCP server.

mod agents;
mod audit;
mod catalogue;
mod changes;
mod door;
mod grants;
mod keys;
mod policies;
mod previews;
mod publishing;
mod roles;
mod servers;
// The store's own tests bring up the database; here it is the same one.
#[path = "../../../store/tests/it/support.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "written for the store's tests, which use all of it"
)]
mod support;
mod upstream;
mod wall;
mod world;
