//! The form of `tollgate policy …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domain::Name;
use secrecy::SecretString;

use crate::output::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Says everything that is wrong with a policy, and runs the tests inside it.
    Check(CheckArgs),
    /// Runs the tests inside a policy, one line each.
    Test(TestArgs),
    /// Decides calls as the gateway would, against counters of its own.
    Decide(DecideArgs),
    /// Says rule by rule what differs from what is published, or from another file.
    Diff(DiffArgs),
    /// Puts a rule into a policy: what is there stays, restrictions are added.
    Merge(MergeArgs),
    /// Checks a policy, saves it as the next version and publishes it.
    Push(PushArgs),
    /// Fetches a policy's document.
    Pull(PullArgs),
}

/// The tools that there are.
#[derive(Debug, Default, Args)]
pub(crate) struct InventoryArgs {
    /// The server's tools: a `tools/list` result, or the admin API's list.
    #[arg(long, value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    /// The catalogue's entry for the server, which knows its tools' classes better.
    #[arg(long, value_name = "SLUG", requires = "inventory")]
    pub(crate) catalog: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Policies, as JSON or YAML; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) tools: InventoryArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The policy, as JSON or YAML; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) tools: InventoryArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// The policy, as JSON or YAML; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The tool that is called.
    #[arg(long, value_name = "NAME", required_unless_present = "calls")]
    pub(crate) tool: Option<String>,
    /// The call's arguments, a JSON object; left out, the call has none.
    #[arg(long, value_name = "JSON", requires = "tool")]
    pub(crate) args: Option<String>,
    /// The grant: `{"label", "identity", "labels": {…}}`, each of them optional.
    #[arg(long, value_name = "JSON", requires = "tool")]
    pub(crate) grant: Option<String>,
    /// When, such as 2026-01-05T09:00:00Z; with --calls, of calls before the first that says.
    /// Without it, now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Many calls, one a line: `{"tool", "args", "grant", "at"}`. Counters are kept between lines;
    /// `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tool", "args", "grant"])]
    pub(crate) calls: Option<PathBuf>,
    /// Also prints every step of the evaluation.
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) tools: InventoryArgs,
    /// How to print it; with --calls, json is one document a line.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Where Tollgate is.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// Where Tollgate is, such as `https://tollgate.example.com`.
    #[arg(long, value_name = "URL", env = "TOLLGATE_URL")]
    pub(crate) url: Option<String>,
    /// An API key; better set as the variable, since other users of this machine can read a
    /// command line.
    #[arg(
        long,
        value_name = "KEY",
        env = "TOLLGATE_API_KEY",
        hide_env_values = true
    )]
    pub(crate) api_key: Option<SecretString>,
}

/// Which policy.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// The policy: its id, or with --server its name.
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<String>,
    /// The server that the policy is on: its id or its slug.
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The policy, as JSON or YAML; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Compares with an older file instead, without a server.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "server"])]
    pub(crate) with: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tools: InventoryArgs,
    /// Ends with 3 where anything differs.
    #[arg(long)]
    pub(crate) exit_code: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The policy, as JSON; its text is kept but for what is added.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The rule: a policy or a part of one, as JSON or YAML; `-` is standard input.
    #[arg(value_name = "RULE_FILE")]
    pub(crate) rule: PathBuf,
    /// Writes FILE instead of printing both together.
    #[arg(long)]
    pub(crate) write: bool,
    #[command(flatten)]
    pub(crate) tools: InventoryArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// The policy, as JSON or YAML; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// The policy's name on the server; where it has none of that name, it is made.
    #[arg(
        long,
        value_name = "NAME",
        requires = "server",
        conflicts_with = "policy"
    )]
    pub(crate) name: Option<Name>,
    /// Why, for the history: at most 500 characters.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// Saves the version and publishes nothing.
    #[arg(long)]
    pub(crate) no_publish: bool,
    /// Says what would happen, and does nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Where to write it, by its ending as JSON or YAML; `-`, standard output, where it is left
    /// out. A policy's id is taken for --policy.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// The version; without it the published one.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) version: Option<u32>,
    /// Writes over a file that says something else.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: PullFormat,
}

/// How a fetched document is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PullFormat {
    /// The document as it is stored.
    #[default]
    Text,
    /// The document as YAML.
    Yaml,
    /// One JSON document: the version with all that is known of it.
    Json,
}
