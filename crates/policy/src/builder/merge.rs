//! Putting what one document says into another, by edits of its text.
//!
//! What is there is neither removed nor loosened, and every byte outside of what is added stays. A
//! block that both have gets the restrictions of both; where they cannot be combined the stricter
//! stays and a note says so. A tool that the document has no entry for is added as the rule has it,
//! on top of whatever applied to the tool before (a glob, its class): an entry of its own would
//! otherwise take it out of those rules. Merging twice is merging once.

mod block;
mod counters;
mod fragment;
mod proofs;
mod room;

use std::{collections::HashMap, sync::Arc};

use domain::Tool;
use json::Document;

use self::fragment::Understood;
use super::{edit::EditError, place::Place, text::Text};
use crate::{fault::Fault, policy::Policy, read::BOUNDS, rules::Rules};

/// A rule that speaks of more tools is a policy of its own.
const TOOLS_MAX: usize = 500;

/// A document with a rule in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The whole text.
    pub document: String,
    /// What a person should know about how they were combined, and what was left out, in sentences.
    pub notes: Vec<String>,
}

/// Why a rule cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The document has faults, so nobody can say what it means.
    #[error("The policy has to be mended first: {}", first(.0))]
    Document(Vec<Fault>),
    /// The rule has faults.
    #[error("The rule has to be mended first: {}", first(.0))]
    Rule(Vec<Fault>),
    /// The text is no document and no part of one.
    #[error("{0}")]
    NoRule(&'static str),
    /// Together they are more than a policy may be.
    #[error("With the rule the policy would not be valid: {}", first(.0))]
    Together(Vec<Fault>),
    /// The text cannot be edited so.
    #[error(transparent)]
    Edit(#[from] EditError),
}

fn first(faults: &[Fault]) -> String {
    match faults {
        [] => String::new(),
        [one, ..] => format!("line {}, column {}: {}.", one.line, one.column, one.detail),
    }
}

/// The document with what the rule says in it. The rule is a whole document, or a part of one: its
/// `tools` with or without the braces around them, or an object with some of its fields.
///
/// With the server's inventory the classes of its tools are known, so that a tool which a class
/// block held keeps that block's rules; without it, it keeps those of all class blocks.
///
/// # Errors
/// [`MergeError`] where either has faults, or where both together are more than a policy may be.
pub fn merge(document: &str, rule: &str, inventory: Option<&[Tool]>) -> Result<Merged, MergeError> {
    let old = Policy::parse(document).map_err(MergeError::Document)?;
    let Understood {
        text,
        policy: parsed,
        says_default,
    } = fragment::understood(rule)?;
    if parsed.rules.tools.len() > TOOLS_MAX {
        return Err(MergeError::NoRule(
            "The rule names more than 500 tools; merge it in parts.",
        ));
    }
    let mut merge = Merge {
        text: Text::new(document)?,
        rules: Arc::clone(&old.rules),
        inventory,
        notes: Vec::new(),
        moved: HashMap::new(),
        prefixes: Vec::new(),
    };
    let targets = merge.make_room(&parsed.rules)?;
    let (text, parsed) = merge.rename_counters(text, parsed, &targets)?;
    let source = Document::parse(text.as_bytes(), BOUNDS)
        .map_err(|fault| EditError::unreadable(&text, fault))?;
    merge.blocks(source.root(), &parsed.rules, &targets)?;
    merge.hide(source.root())?;
    merge.left_out(source.root(), says_default);
    merge.tests(source.root())?;
    merge.finish(&old)
}

/// A block of the rule, and where it goes.
struct Target {
    /// The block's pointer in the rule.
    from: String,
    to: Place,
}

struct Merge<'i> {
    text: Text,
    /// What the text says, as of the last time that was asked.
    rules: Arc<Rules>,
    inventory: Option<&'i [Tool]>,
    notes: Vec<String>,
    /// Where rules of the rule's blocks stand now, by their pointers there and the blocks here.
    moved: HashMap<(String, String), String>,
    /// Blocks of the rule and the blocks here that they went to.
    prefixes: Vec<(String, String)>,
}

impl Merge<'_> {
    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Reads the text anew.
    fn look_again(&mut self) -> Result<(), MergeError> {
        let now = self.text.clone().into_string();
        self.rules = Policy::parse(&now).map_err(MergeError::Together)?.rules;
        Ok(())
    }

    /// Says what of the rule has no place in the document.
    fn left_out(&mut self, source: json::Value<'_>, says_default: bool) {
        if source.get("description").is_some() {
            self.note("The rule's own description was left out.".to_owned());
        }
        let allows = source.get("default").map(|word| word.is("allow"));
        let stays = match (self.rules.default_allow, allows) {
            (true, Some(false)) if says_default => "let through",
            (false, Some(true)) if says_default => "refused",
            _ => return,
        };
        self.note(format!(
            "Tools that no rule names are still {stays}: the policy's `default` stays."
        ));
    }

    fn finish(mut self, old: &Policy) -> Result<Merged, MergeError> {
        let document = self.text.clone().into_string();
        let merged = Policy::parse(&document).map_err(MergeError::Together)?;
        let before = old.run_tests(self.inventory);
        let now = merged.run_tests(self.inventory);
        for (before, now) in before.iter().zip(&now) {
            if before.passed && !now.passed {
                self.note(format!(
                    "A test of the policy fails now, so one of the two has to change: {}.",
                    now.sentence()
                ));
            }
        }
        Ok(Merged {
            document,
            notes: self.notes,
        })
    }
}

/// A block of a document by its place.
fn block_at<'r>(rules: &'r Rules, place: &Place) -> Option<&'r crate::rules::Block> {
    let pointer = place.pointer();
    rules.every_block().find(|block| block.pointer == pointer)
}
