//! `tollgate`: the one binary. It reads its configuration, opens sockets, starts the loops between
//! the rooms, and ends in order; and it is the command line.

mod catalog;
mod cli;
mod cluster;
mod commands;
mod config;
mod contact;
mod data;
mod demo;
mod dev;
mod exit;
mod healthcheck;
mod output;
mod policy;
mod scan;
mod serve;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            output::complain(&format!("{error:#}"));
            exit::code(&error)
        }
    }
}
