//! From the text to the outline.

use std::{borrow::Cow, collections::HashSet};

use domain::{Tool, ToolClass};
use json::{Kind, Value};

use super::{Entry, Kept, LeftTo, Outline, Shown, State, TestShown, mark};
use crate::{
    builder::{
        deciders::Deciders,
        edit::is_for_every_call,
        operator::quoted,
        place::Place,
        rule::{ApprovalForm, Rule, TestForm},
        sentence,
    },
    language::{self, Action, words},
    read::escape,
};

/// The members of a block that are rules, in the order of evaluation.
const BLOCK_PARTS: [&str; 8] = [
    "validate",
    "require",
    "deny_if",
    "approval",
    "concurrent",
    "limits",
    "rate_limit",
    "max_result_bytes",
];

/// Walks a document and notes what it cannot show.
pub(super) struct Reader<'d> {
    root: Value<'d>,
    inventory: &'d [Tool],
    deciders: Deciders<'d>,
    /// Where each line ends.
    lines: Vec<usize>,
    /// With their places, in no order.
    kept: Vec<(usize, Kept)>,
}

impl<'d> Reader<'d> {
    pub(super) fn new(text: &str, root: Value<'d>, inventory: &'d [Tool]) -> Self {
        Self {
            root,
            inventory,
            deciders: Deciders::new(root, inventory),
            lines: text.match_indices('\n').map(|(at, _)| at).collect(),
            kept: Vec::new(),
        }
    }

    pub(super) fn outline(&mut self) -> Outline {
        let root = self.root;
        if root.kind() != Kind::Object {
            self.keep("", root, format!("The document is {}", root.kind().a()));
        }
        let strange = |key: &str| language::DOCUMENT.field(key).is_none();
        for (key, value) in root.members().filter(|(key, _)| strange(key)) {
            let pointer = format!("/{}", escape(&key));
            self.keep(&pointer, value, unknown(&key));
        }
        if let Some(version) = root.get("version").filter(|it| !it.is("1")) {
            let raw = sentence::cut(version.raw());
            self.keep("/version", version, format!("The version is `{raw}`"));
        }
        let default_allow = self.default_allow();
        let description = self.text("/description", root.get("description"));
        let all_tools = self.entry(Place::AllTools, root.get("all_tools"), default_allow);
        let classes = self.classes(default_allow);
        let tools = self.tools(default_allow);
        let hidden = self.hidden(&tools);
        let tests = self.tests();
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_by_key(|(start, _)| *start);
        Outline {
            default_allow,
            description,
            all_tools,
            classes,
            tools,
            hidden,
            tests,
            kept: kept.into_iter().map(|(_, kept)| kept).collect(),
        }
    }

    fn default_allow(&mut self) -> Option<bool> {
        let value = self.root.get("default")?;
        if !value.is("allow") && !value.is("deny") {
            let raw = sentence::cut(value.raw());
            self.keep("/default", value, format!("The default is `{raw}`"));
            return None;
        }
        Some(value.is("allow"))
    }

    fn classes(&mut self, default_allow: Option<bool>) -> Vec<Entry> {
        let blocks = self.object("/classes", "classes");
        for (name, block) in blocks.into_iter().flat_map(Value::members) {
            if name.parse::<ToolClass>().is_err() {
                let pointer = format!("/classes/{}", escape(&name));
                self.keep(
                    &pointer,
                    block,
                    format!("`{}` is no class", sentence::cut(&name)),
                );
            }
        }
        let block = |class: ToolClass| blocks.and_then(|blocks| blocks.get(class.as_str()));
        ToolClass::ALL
            .into_iter()
            .map(|class| self.entry(Place::Class(class), block(class), default_allow))
            .collect()
    }

    fn tools(&mut self, default_allow: Option<bool>) -> Vec<Entry> {
        let blocks = self.object("/tools", "tools");
        let mut entries: Vec<Entry> = self
            .inventory
            .iter()
            .map(|tool| {
                let block = self.deciders.block(&tool.name);
                self.entry(Place::Tool(tool.name.clone()), block, default_allow)
            })
            .collect();
        for (name, block) in blocks.into_iter().flat_map(Value::members) {
            if self.deciders.tool(&name).is_none() {
                let place = Place::Tool(name.into_owned());
                entries.push(self.entry(place, Some(block), default_allow));
            }
        }
        entries
    }

    /// One row, and notes of what it cannot show.
    fn entry(&mut self, place: Place, block: Option<Value<'d>>, default: Option<bool>) -> Entry {
        let pointer = place.pointer();
        let tool = match &place {
            Place::Tool(name) => self.deciders.tool(name),
            _ => None,
        };
        let name = match &place {
            Place::AllTools => "all_tools".to_owned(),
            Place::Class(class) => class.to_string(),
            Place::Tool(name) => name.clone(),
        };
        let hidden_by = match &place {
            Place::Tool(name) => self.deciders.hidden_by(name),
            _ => None,
        };
        let rules = block.map(|block| self.rules(&pointer, block));
        let state = match (&hidden_by, block) {
            (Some(_), _) => State::Hide,
            (None, Some(block)) => state(block, rules.as_deref().unwrap_or_default()),
            (None, None) => self.left(tool, default),
        };
        Entry {
            class: tool.and_then(|tool| tool.class),
            in_inventory: tool.is_some(),
            tools: self.deciders.tools_of(&place),
            written: block.is_some(),
            reason: self.text(
                &format!("{pointer}/reason"),
                block.and_then(|it| it.get("reason")),
            ),
            rules: rules.unwrap_or_default(),
            place,
            name,
            state,
            hidden_by,
        }
    }

    fn rules(&mut self, pointer: &str, block: Value<'d>) -> Vec<Shown> {
        if block.kind() != Kind::Object {
            let found = block.kind().a();
            self.keep(pointer, block, format!("The block is {found}"));
            return Vec::new();
        }
        for (key, value) in block.members() {
            if language::BLOCK.field(&key).is_none() {
                self.keep(&format!("{pointer}/{}", escape(&key)), value, unknown(&key));
            }
        }
        let action = block.get("action");
        let strange = |action: &Value<'_>| !words::<Action>().iter().any(|it| action.is(it));
        if let Some(action) = action.filter(strange) {
            let raw = sentence::cut(action.raw());
            self.keep(
                &format!("{pointer}/action"),
                action,
                format!("The action is `{raw}`"),
            );
        }
        let mut rules = Vec::new();
        if let Some(action) = action.filter(|action| action.is("require_approval")) {
            let held = Rule::Approval(ApprovalForm::default());
            rules.push(self.shown(format!("{pointer}/action"), action, Some(held), None));
        }
        for part in BLOCK_PARTS {
            let Some(value) = block.get(part) else {
                continue;
            };
            let pointer = format!("{pointer}/{part}");
            let listed = matches!(part, "require" | "deny_if" | "limits");
            if listed && value.kind() == Kind::Array {
                for (index, element) in value.elements().enumerate() {
                    let rule = Rule::read(part, element);
                    let listed = Some((index, value.len()));
                    rules.push(self.shown(format!("{pointer}/{index}"), element, rule, listed));
                }
            } else {
                let rule = Rule::read(part, value).filter(|_| !listed);
                rules.push(self.shown(pointer, value, rule, None));
            }
        }
        rules
    }

    fn shown(
        &mut self,
        pointer: String,
        value: Value<'d>,
        rule: Option<Rule>,
        listed: Option<(usize, usize)>,
    ) -> Shown {
        let sentence = match &rule {
            Some(rule) => sentence::of(rule),
            None => self.as_written(&pointer, value),
        };
        let told = match &rule {
            Some(Rule::Check(_, check)) => check.on_deny.clone(),
            Some(Rule::Limit(limit)) => limit.on_deny.clone(),
            Some(Rule::Approval(approval)) => approval.reason.clone(),
            _ => None,
        };
        Shown {
            line: self.line(value),
            mark: mark(value),
            mode: rule.as_ref().and_then(Rule::mode),
            pointer,
            sentence,
            told,
            rule,
            listed,
        }
    }

    /// What decides for a place without a block.
    fn left(&self, tool: Option<&Tool>, default_allow: Option<bool>) -> State {
        let (to, blocks) = match tool {
            Some(tool) => self.deciders.left(tool),
            None => (LeftTo::Default, Vec::new()),
        };
        let denies = |block: &Value<'_>| block.get("action").is_some_and(|it| it.is("deny"));
        let allowed = match to {
            LeftTo::Default => default_allow == Some(true),
            _ => !blocks.iter().any(denies),
        };
        State::Left { to, allowed }
    }

    /// The entries of `hide` that no row shows.
    fn hidden(&mut self, rows: &[Entry]) -> Vec<String> {
        let Some(list) = self.root.get("hide") else {
            return Vec::new();
        };
        if list.kind() != Kind::Array {
            self.keep("/hide", list, format!("`hide` is {}", list.kind().a()));
        }
        let mut seen: HashSet<Cow<'_, str>> =
            rows.iter().map(|row| row.name.as_str().into()).collect();
        let mut hidden = Vec::new();
        for (index, entry) in list.elements().enumerate() {
            match entry.as_str() {
                None => {
                    let pointer = format!("/hide/{index}");
                    let found = entry.kind().a();
                    self.keep(&pointer, entry, format!("An entry of `hide` is {found}"));
                }
                Some(name) => {
                    if seen.insert(name.clone()) {
                        hidden.push(name.into_owned());
                    }
                }
            }
        }
        hidden
    }

    fn tests(&mut self) -> Vec<TestShown> {
        let Some(list) = self.root.get("tests") else {
            return Vec::new();
        };
        if list.kind() != Kind::Array {
            self.keep("/tests", list, format!("`tests` is {}", list.kind().a()));
        }
        let mut tests = Vec::new();
        for (index, value) in list.elements().enumerate() {
            let pointer = format!("/tests/{index}");
            let test = TestForm::read(value);
            let name = value
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let sentence = match &test {
                Some(test) => sentence::of_test(test),
                None => self.as_written(&pointer, value),
            };
            tests.push(TestShown {
                line: self.line(value),
                mark: mark(value),
                name: name.into_owned(),
                pointer,
                sentence,
                test,
            });
        }
        tests
    }

    /// Notes that something stays as it is, and says what it is.
    fn as_written(&mut self, pointer: &str, value: Value<'d>) -> String {
        let words = format!("`{}`", sentence::cut(value.raw()));
        self.keep(pointer, value, format!("{words} has no form"));
        words
    }

    fn keep(&mut self, pointer: &str, value: Value<'_>, sentence: String) {
        let kept = Kept {
            pointer: pointer.to_owned(),
            line: self.line(value),
            sentence,
        };
        self.kept.push((value.span().start, kept));
    }

    fn line(&self, value: Value<'_>) -> usize {
        self.lines.partition_point(|&end| end < value.span().start) + 1
    }

    fn text(&mut self, pointer: &str, value: Option<Value<'d>>) -> Option<String> {
        let value = value?;
        if value.kind() != Kind::String {
            let key = pointer.rsplit('/').next().unwrap_or_default();
            let found = value.kind().a();
            self.keep(pointer, value, format!("`{key}` is {found}"));
        }
        value.as_str().map(Into::into)
    }

    /// A member of the document that holds blocks by name.
    fn object(&mut self, pointer: &str, key: &str) -> Option<Value<'d>> {
        let value = self.root.get(key)?;
        if value.kind() != Kind::Object {
            self.keep(pointer, value, format!("`{key}` is {}", value.kind().a()));
            return None;
        }
        Some(value)
    }
}

fn state(block: Value<'_>, rules: &[Shown]) -> State {
    let action = block.get("action");
    let is = |word| action.is_some_and(|action: Value<'_>| action.is(word));
    let bare = block.get("approval").is_some_and(is_for_every_call) || is("require_approval");
    match (action, rules.len()) {
        _ if block.kind() != Kind::Object => State::Unclear,
        _ if is("deny") => State::Deny,
        (Some(_), _) if !is("allow") && !is("require_approval") => State::Unclear,
        (_, 1) if bare => State::Approval,
        (_, 0) => State::Allow,
        _ => State::Custom,
    }
}

fn unknown(key: &str) -> String {
    format!("{} is no field of the language", backticks(key))
}

fn backticks(key: &str) -> String {
    match key.is_empty() {
        true => format!("`{}`", quoted(key)),
        false => format!("`{}`", sentence::cut(key)),
    }
}
