//! `tollgate policy merge`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use policy::{Change, MergeError, Policy};
use serde::Serialize;

use super::{
    args::MergeArgs,
    check, inventory,
    show::visible,
    source::{self, Ending, Source},
};
use crate::{
    exit::{Refused, Usage},
    output::{Format, complain, say, say_json_of},
};

#[derive(Serialize)]
struct Printed<'a> {
    document: &'a str,
    notes: &'a [String],
    changes: &'a [Change],
}

/// Merges a rule into a policy's file: prints both together, or writes the file.
pub(super) fn merge(args: &MergeArgs) -> Result<ExitCode> {
    if source::by_ending(&args.file) == Some(Ending::Yaml) {
        let name = source::name(&args.file);
        let why = format!("{name} is YAML; a merge edits JSON in place, so pull it as .json first");
        return Err(Usage(why).into());
    }
    let own = Source::read(&args.file)?;
    let old = match own.policy() {
        Ok(policy) => policy,
        Err(report) => return check::invalid(&own, &report, args.output),
    };
    let rule = Source::read(&args.rule)?;
    let tools = inventory::read(&args.tools)?;
    let Some(json) = rule.json() else {
        let report = rule.check(None);
        return check::invalid(&rule, &report, args.output);
    };
    let merged =
        policy::merge(old.text(), json, tools.as_deref()).map_err(|error| match error {
            MergeError::NoRule(_) => {
                anyhow::Error::from(Usage(format!("{}: {error}", rule.name())))
            }
            _ => Refused(error.to_string()).into(),
        })?;
    let new = Policy::parse(&merged.document).map_err(|_| Refused("it is not valid".into()))?;
    let changes = policy::diff(Some(&old), &new, tools.as_deref());
    if args.write {
        std::fs::write(&args.file, &merged.document)
            .with_context(|| format!("cannot write {}", source::name(&args.file)))?;
    }
    match args.output {
        Format::Json => say_json_of(&Printed {
            document: &merged.document,
            notes: &merged.notes,
            changes: &changes,
        })?,
        Format::Text => {
            for note in &merged.notes {
                complain(&visible(note));
            }
            if args.write {
                let said = changes
                    .iter()
                    .map(|change| visible(&change.sentence).into_owned());
                let said: Vec<String> = said.collect();
                match said.is_empty() {
                    true => say("nothing to merge: the policy says all of it already"),
                    false => say(&said.join("\n")),
                }
            } else {
                say(&merged.document);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
