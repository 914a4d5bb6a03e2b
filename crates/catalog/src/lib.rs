//! Known MCP servers, what their tools do, a first classifier for tools that nobody knows yet, and
//! first policies for a server.
//!
//! Pure data: `data/servers.json` is the catalogue, `data/circleci-0.20.0.json` the definitions that
//! the demo upstream serves, `data/rules.toml` what the classifier goes by. Each is read once.

mod classify;
mod server;
mod starter;
mod words;

pub use classify::{
    BadLine, Classification, Signal, Subject, class_of, classification_of, classify, classify_line,
    rules_fingerprint,
};
pub use server::{
    Argument, Credential, CredentialHeader, KnownTool, Package, Run, Server, circleci_tools,
    server, servers,
};
pub use starter::{Starter, starters};
