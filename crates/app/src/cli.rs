//! The command line's form: interfaces.md, "Command line".

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use domain::{Email, Name};

use crate::{
    catalog, commands, config::Role, contact, demo, dev, healthcheck, output::Format, policy, scan,
};

/// Tollgate stands between AI agents and MCP servers: every tool call is decided before it runs, and
/// every decision is on record.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything in one process, for one machine, with a private PostgreSQL.
    Dev(DevArgs),
    /// Runs the gateway, the console or both, against a PostgreSQL and a Redis.
    Serve(ServeArgs),
    /// Applies the migrations that are missing.
    Migrate(MigrateArgs),
    /// Makes an organisation, its owner and an API key, and prints them once.
    Bootstrap(BootstrapArgs),
    /// Works on accounts.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Checks, tests, decides by, compares, publishes and fetches policies.
    Policy {
        #[command(subcommand)]
        command: policy::PolicyCommand,
    },
    /// Lists an MCP server's tools by risk, and writes a policy to begin with.
    Scan(scan::ScanArgs),
    /// Works on what is known of servers and tools.
    Catalog {
        #[command(subcommand)]
        command: catalog::CatalogCommand,
    },
    /// Works on what people wrote in the contact form.
    Contact {
        #[command(subcommand)]
        command: contact::ContactCommand,
    },
    /// Prints the OpenAPI document of the admin API.
    Openapi,
    /// Asks the process on this machine whether it is ready; for container health checks.
    Healthcheck(HealthcheckArgs),
    /// An MCP server that speaks the CircleCI server's tools and does nothing.
    DemoUpstream(DemoUpstreamArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Where people and agents connect; port 0 picks a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// The folder with everything it keeps [default: .tollgate].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<String>,
    /// Adds an organisation with a server, a policy, a grant and some traffic.
    #[arg(long)]
    pub(crate) demo: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Which planes run here.
    #[arg(long, value_enum)]
    pub(crate) role: Role,
    /// Where people and agents connect; port 0 picks a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Prints the configuration in force, secrets masked, and ends.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// Where settings come from beside flags and the environment.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfigArgs {
    /// A TOML file with settings: the variables' names in lower case without `TOLLGATE_`.
    #[arg(long = "config", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Only says what is missing; ends with 1 where something is.
    #[arg(long)]
    pub(crate) check: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// Which database a command works on.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// The data folder of a running `tollgate dev` whose database is meant.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BootstrapArgs {
    /// What the organisation is called.
    #[arg(long, value_name = "NAME")]
    pub(crate) org: Name,
    /// The owner's address.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Email,
    /// The file with the owner's password; without it one is made and printed.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Prints a link with which someone sets a new password, once, within an hour.
    Reset(ResetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// The account's address.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Email,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HealthcheckArgs {
    /// Whom to ask [default: where this configuration listens].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<SocketAddr>,
    /// What to ask for.
    #[arg(long, value_name = "PATH", default_value = "/readyz")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DemoUpstreamArgs {
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub(crate) listen: SocketAddr,
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Dev(args) => dev::run(&args),
            Command::Serve(args) => commands::serve(&args),
            Command::Migrate(args) => commands::migrate(&args),
            Command::Bootstrap(args) => commands::bootstrap(&args),
            Command::User {
                command: UserCommand::Reset(args),
            } => commands::reset(&args),
            Command::Policy { command } => policy::run(&command),
            Command::Scan(args) => scan::run(&args),
            Command::Catalog { command } => catalog::run(&command),
            Command::Contact { command } => contact::run(&command),
            Command::Openapi => {
                crate::output::say(&console::openapi());
                Ok(ExitCode::SUCCESS)
            }
            Command::Healthcheck(args) => healthcheck::run(&args),
            Command::DemoUpstream(args) => demo::serve_upstream(args.listen),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_form_is_one_that_clap_accepts() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_commands_of_the_interface_parse() {
        for line in [
            "tollgate dev",
            "tollgate dev --listen 127.0.0.1:0 --data x --demo",
            "tollgate serve --role all",
            "tollgate serve --role gateway --print-config",
            "tollgate serve --role console --config tollgate.toml",
            "tollgate migrate --check",
            "tollgate bootstrap --org Acme --email a@example.com --password-file f --data d -o json",
            "tollgate user reset --email a@example.com",
            "tollgate policy check a.json b.yaml - -o json",
            "tollgate policy check a.json --inventory tools.json --catalog circleci",
            "tollgate policy test a.json -o json",
            "tollgate policy decide a.json --tool t --args {} --grant {} --at x --inventory i --explain",
            "tollgate policy decide a.json --calls c.jsonl --at x -o json",
            "tollgate policy diff a.json --policy p --exit-code",
            "tollgate policy diff a.json --with b.json",
            "tollgate policy push a.json --policy p --dry-run --note n",
            "tollgate policy push a.json --server s --name n --no-publish",
            "tollgate policy push a.json --policy p --url http://x --api-key k",
            "tollgate policy pull a.json --policy p --version 3 --force",
            "tollgate policy pull --server s --policy p -o yaml",
            "tollgate catalog classify",
            "tollgate catalog import a.jsonl b.jsonl - -o json --strict --data d",
            "tollgate catalog sync",
            "tollgate catalog sync https://r.example --since 2026-08-20T00:00:00Z -o json --data d",
            "tollgate catalog export --origin imported --scanned",
            "tollgate catalog correct circleci run_pipeline --class execute --risk high --note n",
            "tollgate catalog correct circleci run_pipeline --clear",
            "tollgate scan https://x.test/mcp --header A:b --header C:d -o json",
            "tollgate scan https://x.test/mcp --fail-above medium --policy p.json --catalog circleci",
            "tollgate scan --env A=b --timeout 5 --entry -- npx server --flag",
            "tollgate contact list --unmailed --limit 5 -o json",
            "tollgate openapi",
            "tollgate demo-upstream --listen 127.0.0.1:0",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        for line in [
            "tollgate serve",
            "tollgate serve --role both",
            "tollgate bootstrap --org x",
            "tollgate catalog",
            "tollgate catalog import",
            "tollgate catalog correct circleci run_pipeline",
            "tollgate catalog correct circleci run_pipeline --class reading",
            "tollgate catalog correct circleci run_pipeline --clear --class read",
            "tollgate scan",
            "tollgate scan https://x.test/mcp -- npx",
            "tollgate scan https://x.test/mcp --env A=b",
            "tollgate scan --header A:b -- npx",
            "tollgate scan https://x.test/mcp --fail-above critical",
            "tollgate scan https://x.test/mcp --timeout 0",
            "tollgate scan https://x.test/mcp --entry -o json",
            "tollgate contact list --limit 0",
            "tollgate policy",
            "tollgate policy check",
            "tollgate policy decide a.json",
            "tollgate policy decide a.json --calls c --tool t",
            "tollgate policy check a.json --catalog circleci",
            "tollgate policy push a.json --name n",
            "tollgate policy push a.json --server s --policy p --name n",
            "tollgate policy pull --policy p --version 0",
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
