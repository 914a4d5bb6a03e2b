//! Putting a rule into a policy's text: nothing is stored.

use domain::{Capability, Scope, ServerId, Tool};
use policy::{Change, MergeError, Merged, Policy};

use super::{
    ActionError, Result, require,
    subject::{Rules, Subject},
};
use crate::state::Console;

/// A longer rule is a policy of its own, and merging takes as long as both together.
const RULE_BYTES_MAX: usize = 64 * 1024;

/// A document with a rule in it.
#[derive(Debug)]
pub(crate) struct Combined {
    pub document: String,
    /// What a person should know about how they were combined.
    pub notes: Vec<String>,
    /// What the rule changes, by rule.
    pub changes: Vec<Change>,
}

/// Merges a rule into a document, against the server's tools where one is named.
pub(crate) async fn merge(
    console: &Console,
    scope: &Scope,
    rules: Rules<'_>,
    server: Option<ServerId>,
    rule: &str,
) -> Result<Combined> {
    require(scope, Capability::See)?;
    let subject = Subject::load(console, scope, rules, server).await?;
    let rule = rule.to_owned();
    console
        .desk
        .work(move || of_subject(&subject, &rule))
        .await?
}

fn of_subject(subject: &Subject, rule: &str) -> Result<Combined> {
    let tools = subject.tools.as_deref();
    combined(&subject.document, rule, tools).map_err(|error| match error {
        MergeError::Document(faults) => ActionError::Policy(faults),
        other => ActionError::field("/rule", format!("cannot be merged. {other}")),
    })
}

/// A document with a rule in it.
///
/// # Errors
/// Why it cannot be merged.
pub(crate) fn combined(
    document: &str,
    rule: &str,
    tools: Option<&[Tool]>,
) -> Result<Combined, MergeError> {
    if rule.len() > RULE_BYTES_MAX {
        return Err(MergeError::NoRule(
            "The rule is longer than 64 KiB; merge it in parts.",
        ));
    }
    let Merged {
        document: merged,
        notes,
    } = policy::merge(document, rule, tools)?;
    let old = Policy::parse(document).map_err(MergeError::Document)?;
    let new = Policy::parse(&merged).map_err(MergeError::Together)?;
    Ok(Combined {
        changes: policy::diff(Some(&old), &new, tools),
        document: merged,
        notes,
    })
}

impl Combined {
    /// What was done, in a sentence or two.
    pub(crate) fn said(&self) -> String {
        let changes: Vec<&str> = self
            .changes
            .iter()
            .map(|change| change.sentence.as_str())
            .collect();
        let more = changes.len().saturating_sub(SAID_MAX);
        let shown = changes[..changes.len() - more].join(" ");
        let rest = match more {
            0 => String::new(),
            1 => " One more change.".to_owned(),
            more => format!(" {more} more changes."),
        };
        let done = match changes.is_empty() {
            true => "The policy says all of that already; nothing was added.".to_owned(),
            false => format!("{shown}{rest}"),
        };
        let notes: String = self.notes.iter().map(|note| format!(" {note}")).collect();
        format!("{done}{notes}")
    }
}

/// So many changes are said in words; the diff has them all.
const SAID_MAX: usize = 6;
