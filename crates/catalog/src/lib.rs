//! Known MCP servers, what their tools do, a first classifier for tools that nobody knows yet, and
//! first policies for a server.
//!
//! Pure data: `data/sources.toml`, `data/servers/` and `data/words/` are the catalogue,
//! `data/presets.json` is how to run and reach some of it, `data/circleci-0.20.0.json` the definitions
//! that the demo upstream serves, `data/rules.toml` what the classifier goes by. Each is read once.

pub mod attacks;
mod classify;
mod entry;
mod scanned;
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
pub use entry::{BadEntry, ReadEntry, judge, read_entry, write_entry};
pub use scanned::{arguments, scanned};
pub use server::{
    Argument, Credential, CredentialHeader, KnownTool, Package, Run, Server, circleci_tools,
    server, servers,
};
pub use shipped::{Shipped, shipped, shipped_tool};
pub use starter::{Starter, starters};
