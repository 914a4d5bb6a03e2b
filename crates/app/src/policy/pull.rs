//! `tollgate policy pull`.

use std::{
    ffi::OsStr,
    io::{IsTerminal, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, anyhow, bail};
use domain::PolicyId;
use json::{Bounds, Document};
use policy::Policy;

use super::{
    args::{PullArgs, PullFormat, TargetArgs},
    client::Client,
    remote::{self, Target},
    show::visible,
    source::{self, Ending, Source},
    yaml,
};
use crate::{
    commands::block_on,
    output::{escaped, say, say_json_of},
};

/// What the API may answer; what a policy may be is less.
const BOUNDS: Bounds = Bounds {
    bytes_max: 1 << 20,
    depth_max: 64,
};

pub(super) fn pull(args: &PullArgs) -> Result<ExitCode> {
    let (file, target) = aim(args)?;
    let client = Client::new(&args.client)?;
    block_on(async {
        let info = target.get(&client).await?;
        let number = args.version.or(info.published_version).ok_or_else(|| {
            let latest = info.latest_version;
            anyhow!("no version of it is published; name one with --version, such as {latest}")
        })?;
        let version = remote::version(&client, info.id, number).await?;
        let document = version.document.get();
        let told = match file {
            Some(path) => {
                write(&path, document, args)?;
                let file = source::name(&path);
                Some(format!(
                    "{file}: version {number} of {}",
                    visible(info.name.as_str())
                ))
            }
            None => None,
        };
        match (args.output, told) {
            (PullFormat::Json, _) => say_json_of(&version)?,
            (_, Some(told)) => say(&told),
            (PullFormat::Yaml, None) => say(&as_yaml(document)?),
            (PullFormat::Text, None) if stdout().is_terminal() => say(&escaped(document)),
            (PullFormat::Text, None) => say(document),
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Where to, and which: a policy's id in the file's place is the policy.
fn aim(args: &PullArgs) -> Result<(Option<PathBuf>, Target)> {
    let id = args.file.as_deref().and_then(Path::to_str);
    let id: Option<PolicyId> = id.and_then(|id| id.parse().ok());
    if let (
        Some(id),
        TargetArgs {
            policy: None,
            server: None,
        },
    ) = (id, &args.target)
    {
        return Ok((None, Target::Id(id)));
    }
    let file = args.file.clone().filter(|file| file != OsStr::new("-"));
    Ok((file, Target::new(&args.target, None)?))
}

/// Writes the document into a file, unless it says the same already. What stands there and was not
/// fetched is somebody's work.
fn write(path: &Path, document: &str, args: &PullArgs) -> Result<()> {
    if path.exists() && !args.force {
        let here = Source::read(path)?
            .policy()
            .ok()
            .map(|policy| policy.canonical());
        let there = Policy::parse(document)
            .ok()
            .map(|policy| policy.canonical());
        if here.is_some() && here == there {
            return Ok(());
        }
        bail!(
            "{} says something else; --force writes over it",
            source::name(path)
        );
    }
    let as_written = match (source::by_ending(path), args.output) {
        (Some(Ending::Yaml), _) | (None, PullFormat::Yaml) => as_yaml(document)?,
        _ => format!("{document}\n"),
    };
    std::fs::write(path, as_written).with_context(|| format!("cannot write {}", source::name(path)))
}

fn as_yaml(document: &str) -> Result<String> {
    let read = Document::parse(document.as_bytes(), BOUNDS)
        .map_err(|fault| anyhow!("the stored document is not strict JSON: {fault}"))?;
    Ok(yaml::from_json(read.root()))
}
