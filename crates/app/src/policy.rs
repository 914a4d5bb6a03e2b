//! `tollgate policy`: policies as files, checked and decided by the engine that the gateway uses, and
//! carried to and from a Tollgate over its API.
//!
//! `check`, `test`, `decide` and `merge` need no server and no configuration. Start at `source.rs`, which reads
//! a file and knows where everything in it stands.

mod args;
mod call;
mod check;
mod client;
mod decide;
mod diff;
mod inventory;
mod merge;
mod pull;
mod push;
mod remote;
mod show;
mod source;
mod yaml;

use std::process::ExitCode;

use anyhow::Result;

pub(crate) use args::PolicyCommand;
pub(crate) use client::private_networks;
pub(crate) use show::{Paint, Tone, count, visible};

/// Does what was asked.
pub(crate) fn run(command: &PolicyCommand) -> Result<ExitCode> {
    match command {
        PolicyCommand::Check(args) => check::check(args),
        PolicyCommand::Test(args) => check::test(args),
        PolicyCommand::Decide(args) => decide::decide(args),
        PolicyCommand::Diff(args) => diff::diff(args),
        PolicyCommand::Merge(args) => merge::merge(args),
        PolicyCommand::Push(args) => push::push(args),
        PolicyCommand::Pull(args) => pull::pull(args),
    }
}
