//! Edits: each changes what it names, and nothing else.

use json::{FaultKind, Kind, Value};

use super::{
    operator::quoted,
    outline::mark,
    place::{At, Place, steps},
    rule::{ApprovalForm, Clause, Member, Rule, TestForm, object},
    text::{Text, parse},
};
use crate::{glob::Glob, limit::Mode};

/// One edit of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Sets `default`: whether a tool that no block matches is allowed.
    Default {
        /// Whether it is.
        allow: bool,
    },
    /// Sets or removes `description`.
    Description(Option<String>),
    /// Sets what a block does, made where there is none. Its rules stay, and a name that `hide`
    /// lists is taken out of there.
    Set(Place, Action),
    /// Sets or removes what the agent is told where a block refuses.
    Reason(Place, Option<String>),
    /// Removes a block, and the name from `hide`.
    RemoveEntry(Place),
    /// Puts a name or glob into `hide`; its block stays.
    Hide(String),
    /// Takes a name or glob out of `hide`.
    Unhide(String),
    /// Adds a rule behind those of its kind; a kind of which a block has one is replaced. The block
    /// is made where there is none.
    Add(Place, Rule),
    /// Changes a rule into another of its kind.
    Replace(At, Rule),
    /// Removes a rule, or a test.
    Remove(At),
    /// Moves an entry of a list one place up or down.
    Move {
        /// The entry.
        at: At,
        /// Towards the first.
        up: bool,
    },
    /// Makes a rule refuse, or only record.
    Mode(At, Mode),
    /// Adds a test behind the others.
    AddTest(TestForm),
    /// Changes a test.
    ReplaceTest(At, TestForm),
}

/// What a block does with a call before its rules are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Lets it through to the rules.
    Allow,
    /// Refuses it.
    Deny,
    /// Holds it for a person.
    Approval,
}

/// Why a text cannot be edited so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It has to be mended by hand first.
    #[error("The text is not JSON yet: {detail}, line {line}, column {column}.")]
    NotJson {
        /// What is wrong.
        detail: String,
        /// The line, from 1.
        line: u32,
        /// The column, from 1.
        column: u32,
    },
    /// Something else stands where the edit goes.
    #[error("{place} is {found}, where {wanted} is needed; mend it in the text first.")]
    Shape {
        /// What is of the wrong kind.
        place: String,
        /// What it is.
        found: &'static str,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// The text is not the one that was shown.
    #[error("The text has changed there since it was shown, so nothing was edited.")]
    Changed,
    /// A glob in `hide` takes the tool away, whatever its block says.
    #[error("`hide` takes it away with `{0}`; take that out first.")]
    Hidden(String),
    /// The language has no such edit.
    #[error("{0}")]
    Impossible(&'static str),
    /// The document would be longer or deeper than a policy may be.
    #[error("With this the policy would be longer than 256 KiB or nested deeper than 32.")]
    TooLarge,
}

const HELD_ALREADY: &str = "A rule holds some of its calls for approval already; change that rule.";

impl EditError {
    pub(super) fn unreadable(text: &str, fault: json::Fault) -> Self {
        if matches!(fault.kind, FaultKind::TooLong | FaultKind::TooDeep) {
            return Self::TooLarge;
        }
        let place = json::position(text, fault.offset);
        Self::NotJson {
            detail: fault.kind.to_string(),
            line: place.line,
            column: place.column,
        }
    }
}

/// The text with the edit in it. Every byte outside of what the edit names, and the comma and
/// blanks that go with it, stays; what is inserted is laid out as the document is.
///
/// # Errors
/// [`EditError`] where the text is no JSON, or not shaped for the edit.
pub fn apply(text: &str, edit: &Edit) -> Result<String, EditError> {
    let mut text = Text::new(text)?;
    match edit {
        Edit::Default { allow } => {
            let word = if *allow { "\"allow\"" } else { "\"deny\"" };
            text.set(&[], "default", word)?;
        }
        Edit::Description(Some(words)) => text.set(&[], "description", &quoted(words))?,
        Edit::Description(None) => drop(text.remove(&["description".to_owned()])?),
        Edit::Set(place, action) => set(&mut text, place, action)?,
        Edit::Reason(place, Some(reason)) => text.set(&place.steps(), "reason", &quoted(reason))?,
        Edit::Reason(place, None) => drop(text.remove(&member(place, "reason"))?),
        Edit::RemoveEntry(place) => {
            unhide(&mut text, place)?;
            text.remove(&place.steps())?;
        }
        Edit::Hide(name) => hide(&mut text, name)?,
        Edit::Unhide(name) => drop(take_out(&mut text, name)?),
        Edit::Add(place, rule) => add(&mut text, place, rule)?,
        Edit::Replace(at, rule) => replace(&mut text, at, rule)?,
        Edit::Remove(at) => {
            let steps = found(&text, at)?;
            if list_depth(&steps).is_none_or(|depth| steps.len() < depth) {
                return Err(EditError::Changed);
            }
            text.remove_element(&steps)?;
        }
        Edit::Move { at, up } => shift(&mut text, at, *up)?,
        Edit::Mode(at, mode) => set_mode(&mut text, at, *mode)?,
        Edit::AddTest(test) => text.push(&[], "tests", &object(&test.members()))?,
        Edit::ReplaceTest(at, test) => {
            let steps = found(&text, at)?;
            if steps.first().is_none_or(|first| first != "tests") {
                return Err(EditError::Changed);
            }
            merge(&mut text, &steps, test.members())?;
        }
    }
    Ok(text.into_string())
}

fn set(text: &mut Text, place: &Place, action: &Action) -> Result<(), EditError> {
    if *place == Place::AllTools && *action == Action::Allow {
        return allow(text, place);
    }
    unhide(text, place)?;
    let block = place.steps();
    text.ensure(&block)?;
    match action {
        Action::Deny => text.set(&block, "action", "\"deny\""),
        Action::Allow => allow(text, place),
        Action::Approval => {
            text.remove(&member(place, "reason"))?;
            let said = text.get(&member(place, "action"), |it| it.is("require_approval"))?;
            if said == Some(true) {
                return Ok(());
            }
            match text.get(&member(place, "approval"), is_for_every_call)? {
                Some(false) => return Err(EditError::Impossible(HELD_ALREADY)),
                Some(true) => {}
                None => text.set(&block, "approval", "{}")?,
            }
            text.remove(&member(place, "action")).map(drop)
        }
    }
}

/// A refused tool is as it was before; one that is held is held no more. An approval among other
/// rules, or with conditions, or in shadow, is a rule, and stays.
fn allow(text: &mut Text, place: &Place) -> Result<(), EditError> {
    let action = member(place, "action");
    let denied = text.get(&action, |action| action.is("deny"))? == Some(true);
    let allowed = text.get(&action, |action| action.is("allow"))? == Some(true);
    text.remove(&member(place, "reason"))?;
    if !allowed {
        text.remove(&action)?;
    }
    let alone = text.get(&place.steps(), |block| {
        let rules = block.members().filter(|(key, _)| key != "action");
        block.get("approval").is_some_and(is_for_every_call) && rules.count() == 1
    })?;
    if alone == Some(true) && !denied {
        text.remove(&member(place, "approval"))?;
    }
    Ok(())
}

/// Whether an `approval` holds every call.
pub(super) fn is_for_every_call(approval: Value<'_>) -> bool {
    let shadow = approval.get("mode").is_some_and(|mode| mode.is("shadow"));
    approval.get("when").is_none() && !shadow
}

fn add(text: &mut Text, place: &Place, rule: &Rule) -> Result<(), EditError> {
    let block = place.steps();
    text.ensure(&block)?;
    let (key, listed) = rule.home();
    if listed {
        return text.push(&block, key, &rule.json());
    }
    if matches!(rule, Rule::Approval(_)) {
        let short = member(place, "action");
        if text.get(&short, |it| it.is("require_approval"))? == Some(true) {
            text.remove(&short)?;
        }
    }
    text.set(&block, key, &rule.json())
}

fn replace(text: &mut Text, at: &At, rule: &Rule) -> Result<(), EditError> {
    let steps = found(text, at)?;
    let place = Place::of(&at.pointer).ok_or(EditError::Changed)?;
    let (key, listed) = rule.home();
    let depth = place.steps().len();
    if steps.get(depth).is_some_and(|home| home == "action") {
        // `action: require_approval` is short for an approval that says nothing more.
        return match rule {
            Rule::Approval(approval) if *approval == ApprovalForm::default() => Ok(()),
            Rule::Approval(_) => add(text, &place, rule),
            _ => Err(EditError::Changed),
        };
    }
    let right = steps.get(depth).is_some_and(|home| home == key)
        && steps.len() == depth + 1 + usize::from(listed);
    if !right {
        return Err(EditError::Changed);
    }
    match rule.members() {
        Some(members) if text.kind(&steps)? == Some(Kind::Object) => merge(text, &steps, members),
        _ => overwrite(text, &steps, &rule.json()),
    }
}

/// Replaces a whole value, unless it is the same already.
fn overwrite(text: &mut Text, steps: &[String], json: &str) -> Result<(), EditError> {
    let same = text.canonical(steps)? == Some(parse(json)?.root().canonical());
    match steps.split_last() {
        Some((key, outer)) if !same => text.set(outer, key, json),
        _ => Ok(()),
    }
}

/// Writes the members that differ from what is there.
fn merge(text: &mut Text, steps: &[String], members: Vec<Member>) -> Result<(), EditError> {
    for member in members {
        let here: Vec<String> = steps
            .iter()
            .cloned()
            .chain([member.key.to_owned()])
            .collect();
        let old = text.canonical(&here)?;
        let Some(json) = &member.json else {
            if old.is_some() && old.as_deref() != member.default {
                text.remove(&here)?;
            }
            continue;
        };
        if old == Some(parse(json)?.root().canonical()) {
            continue;
        }
        let listed = text.kind(&here)? == Some(Kind::Array);
        match member.clauses {
            Some(clauses) if listed && !clauses.is_empty() => merge_clauses(text, &here, &clauses)?,
            _ => text.set(steps, member.key, json)?,
        }
    }
    Ok(())
}

fn merge_clauses(text: &mut Text, list: &[String], clauses: &[Clause]) -> Result<(), EditError> {
    let there = text.len(list)?;
    let element =
        |index: usize| -> Vec<String> { list.iter().cloned().chain([index.to_string()]).collect() };
    for (index, clause) in clauses.iter().enumerate() {
        if index >= there {
            text.insert(list, index, &object(&clause.members()))?;
        } else if text.kind(&element(index))? == Some(Kind::Object) {
            merge(text, &element(index), clause.members())?;
        } else {
            return Err(EditError::Changed);
        }
    }
    for index in (clauses.len()..there).rev() {
        text.remove(&element(index))?;
    }
    Ok(())
}

fn shift(text: &mut Text, at: &At, up: bool) -> Result<(), EditError> {
    let steps = found(text, at)?;
    let (Some((last, list)), Some(depth)) = (steps.split_last(), list_depth(&steps)) else {
        return Err(EditError::Changed);
    };
    let index: usize = last.parse().map_err(|_| EditError::Changed)?;
    if list.len() != depth {
        return Err(EditError::Changed);
    }
    let first = if up {
        index.checked_sub(1)
    } else {
        Some(index)
    };
    let count = text.len(list)?;
    match first.filter(|first| first + 1 < count) {
        Some(first) => text.swap(list, first),
        None => Err(EditError::Impossible(
            "It is at the end of its list already.",
        )),
    }
}

/// How many steps lead to the list that an entry stands in.
fn list_depth(steps: &[String]) -> Option<usize> {
    match steps.first()?.as_str() {
        "tests" => Some(1),
        "all_tools" => Some(2),
        "classes" | "tools" => Some(3),
        _ => None,
    }
}

fn set_mode(text: &mut Text, at: &At, mode: Mode) -> Result<(), EditError> {
    let steps = found(text, at)?;
    let place = Place::of(&at.pointer).ok_or(EditError::Changed)?;
    let home = steps.get(place.steps().len()).map(String::as_str);
    match home {
        Some("require" | "deny_if" | "limits" | "approval" | "concurrent") => {}
        Some("action") if mode == Mode::Shadow => {
            let held = ApprovalForm {
                mode,
                ..ApprovalForm::default()
            };
            return replace(text, at, &Rule::Approval(held));
        }
        Some("action") => return Ok(()),
        _ => return Err(EditError::Impossible("This rule has no shadow mode.")),
    }
    let here: Vec<String> = steps.iter().cloned().chain(["mode".to_owned()]).collect();
    match mode {
        Mode::Shadow => text.set(&steps, "mode", "\"shadow\""),
        Mode::Enforce => text.remove(&here).map(drop),
    }
}

fn hide(text: &mut Text, name: &str) -> Result<(), EditError> {
    let list = ["hide".to_owned()];
    let listed = text.get(&list, |list| list.elements().any(|entry| entry.is(name)))?;
    match listed {
        Some(true) => Ok(()),
        _ => text.push(&[], "hide", &quoted(name)),
    }
}

/// Takes a place's name out of `hide`.
fn unhide(text: &mut Text, place: &Place) -> Result<(), EditError> {
    let Place::Tool(name) = place else {
        return Ok(());
    };
    take_out(text, name)?;
    let list = ["hide".to_owned()];
    let glob = text.get(&list, |list| {
        let mut globs = list.elements().filter_map(Value::as_str);
        globs.find_map(|glob| (hides(&glob, name)).then(|| glob.into_owned()))
    })?;
    match glob.flatten() {
        Some(glob) => Err(EditError::Hidden(glob)),
        None => Ok(()),
    }
}

/// Whether an entry of `hide` takes a tool of this name away.
fn hides(entry: &str, name: &str) -> bool {
    Glob::parse(entry).is_ok_and(|glob| glob.matches(name))
}

/// Takes a name out of `hide`, however often it stands there; says whether it did.
fn take_out(text: &mut Text, name: &str) -> Result<bool, EditError> {
    let list = ["hide".to_owned()];
    let mut any = false;
    while let Some(Some(index)) = text.get(&list, |list| {
        list.elements().position(|entry| entry.is(name))
    })? {
        any |= text.remove_element(&["hide".to_owned(), index.to_string()])?;
    }
    Ok(any)
}

/// The steps to what an edit names, if that is what was shown.
fn found(text: &Text, at: &At) -> Result<Vec<String>, EditError> {
    let steps = steps(&at.pointer).ok_or(EditError::Changed)?;
    let here = text.get(&steps, mark)?.ok_or(EditError::Changed)?;
    match &at.mark {
        Some(shown) if *shown != here => Err(EditError::Changed),
        _ => Ok(steps),
    }
}

fn member(place: &Place, key: &str) -> Vec<String> {
    let mut steps = place.steps();
    steps.push(key.to_owned());
    steps
}
