//! Known MCP servers, what their tools do, a first classifier for tools that nobody knows yet, and
//! first policies for a server.
//!
//! Pure data: `data/servers.json` is the catalogue, `data/circleci-0.20.0.json` the definitions that
//! the demo upstream serves, `data/rules.toml` what the classifier goes by. Each is read once.

pub mod attacks;
mod classify;
mod entry;
mod server;
mod shipped;
pub mod stack;
mod starter;
pub mod suggest;
mod words;

pub use classify::{
    BadLine, Classification, Signal, Subject, class_of, classification_of, classify, classify_line,
    rules_fingerprint,
};
pub use entry::{BadEntry, read_entry, write_entry};
pub use server::{
    Argument, Credential, CredentialHeader, KnownTool, Package, Run, Server, circleci_tools,
    server, servers,
};
pub use shipped::{Shipped, shipped};
pub use starter::{Starter, starters};
