//! The builder: the document's text as rows, sentences and forms, each button of which is one edit
//! of that text. It works as plain forms; what is open is in the form's hidden fields.

mod act;
mod form;
mod row;

use askama::Template;
use domain::Tool;
use policy::{
    Report,
    builder::{ArgumentField, Kept, OPERATORS, Place, TestShown, argument_paths, outline},
};

pub(super) use act::act;
use form::{Kind, RuleForm};
use row::Row;

use super::draft::Fields;
use crate::pages::{fields::Faults, filters};

/// So many rows are shown at once; the search finds the others.
const ROWS_MAX: usize = 250;
/// How many parts without a form are listed: a document of 256 KiB can have tens of thousands.
const KEPT_MAX: usize = 50;
/// With more rows there is a search.
const ROWS_WITHOUT_SEARCH: usize = 10;
/// So many tools are looked at for the arguments that a glob's rules may name.
const TOOLS_READ_MAX: usize = 20;
/// So many arguments are offered.
const PATHS_MAX: usize = 200;

/// What of the builder is open, and what was typed into it.
#[derive(Default)]
pub(super) struct View {
    /// The pointer of the row that is unfolded.
    open: String,
    query: String,
    name: String,
    pattern: String,
    description: String,
    reason: String,
    /// A rule to merge.
    rule: String,
    form: Option<RuleForm>,
    faults: Faults,
}

impl View {
    /// As the form was sent.
    pub(super) fn sent(fields: &Fields) -> Self {
        let text = |name| fields.get(name).to_owned();
        Self {
            open: text("b.open"),
            query: text("b.q").trim().to_owned(),
            name: text("b.name"),
            pattern: text("b.pattern"),
            description: text("b.description").replace("\r\n", "\n"),
            reason: text("b.reason").replace("\r\n", "\n"),
            rule: text("b.rule").replace("\r\n", "\n"),
            form: RuleForm::sent(fields),
            faults: Faults::default(),
        }
    }
}

/// Whether an act leaves the text as it is, so that whoever may read it may do it.
pub(super) fn only_looks(act: &str) -> bool {
    let verb = act.split_once(' ').map_or(act, |(verb, _)| verb);
    matches!(verb, "open" | "close" | "find")
}

/// The pane.
#[derive(Template)]
#[template(path = "policies/builder.html")]
pub(super) struct Builder {
    /// Why there is nothing to show yet.
    waits: Option<String>,
    may_edit: bool,
    /// Where the form is sent.
    action: String,
    view: View,
    default_allow: Option<bool>,
    description: String,
    rows: Vec<Row>,
    /// How many rows there are, found or not, and how many are not shown.
    row_count: usize,
    left_out: usize,
    classes: Vec<Row>,
    all_tools: Vec<Row>,
    hidden: Vec<String>,
    tests: Vec<TestShown>,
    /// The first [`KEPT_MAX`] of what the builder has no form for.
    kept: Vec<Kept>,
    kept_more: usize,
    /// The arguments that the open row's rules may name.
    paths: Vec<ArgumentField>,
}

impl Builder {
    pub(super) fn new(
        text: &str,
        inventory: Option<&[Tool]>,
        report: &Report,
        view: View,
        may_edit: bool,
        action: String,
    ) -> Self {
        let mut builder = Self {
            waits: None,
            may_edit,
            action,
            view,
            default_allow: None,
            description: String::new(),
            rows: Vec::new(),
            row_count: 0,
            left_out: 0,
            classes: Vec::new(),
            all_tools: Vec::new(),
            hidden: Vec::new(),
            tests: Vec::new(),
            kept: Vec::new(),
            kept_more: 0,
            paths: Vec::new(),
        };
        match outline(text, inventory) {
            Ok(outline) => builder.fill(outline, inventory.unwrap_or_default(), report),
            Err(why) => builder.waits = Some(why.to_string()),
        }
        builder
    }

    fn fill(&mut self, outline: policy::builder::Outline, inventory: &[Tool], report: &Report) {
        let open = self.view.open.clone();
        let row = |entry| Row::new(entry, &open, report);
        let query = self.view.query.to_lowercase();
        self.row_count = outline.tools.len();
        let found = outline.tools.into_iter().filter(|entry| {
            entry.name.to_lowercase().contains(&query) || entry.place.pointer() == open
        });
        let found: Vec<_> = found.collect();
        self.left_out = found.len().saturating_sub(ROWS_MAX);
        self.rows = found.into_iter().take(ROWS_MAX).map(row).collect();
        self.classes = outline.classes.into_iter().map(row).collect();
        self.all_tools = vec![row(outline.all_tools)];
        self.hidden = outline.hidden;
        self.tests = outline.tests;
        self.kept_more = outline.kept.len().saturating_sub(KEPT_MAX);
        self.kept = outline.kept;
        self.kept.truncate(KEPT_MAX);
        self.default_allow = outline.default_allow;
        self.description = outline.description.unwrap_or_default();
        if self.view.form.is_some() {
            self.paths = paths(&open, inventory);
        }
        for (id, row) in self
            .rows
            .iter_mut()
            .chain(&mut self.classes)
            .chain(&mut self.all_tools)
            .enumerate()
        {
            row.id = id;
        }
    }

    fn is_searched(&self) -> bool {
        self.row_count > ROWS_WITHOUT_SEARCH || !self.view.query.is_empty()
    }

    /// The form for a row, where it is one of its rules' or a new one for it.
    fn form_of(&self, row: &Row) -> Option<&RuleForm> {
        let form = self.view.form.as_ref()?;
        let here = Place::of(&form.pointer) == Some(row.entry.place.clone());
        (row.open && here && form.kind.key != "tests").then_some(form)
    }

    /// The form for a test.
    fn test_form(&self) -> Option<&RuleForm> {
        self.view
            .form
            .as_ref()
            .filter(|form| form.kind.key == "tests")
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        Kind::offered()
    }

    /// Operators as they are offered: `exists` with each of its values.
    fn operators(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        OPERATORS.iter().flat_map(|operator| {
            let absent = (operator.name == "exists").then_some(("absent", "is absent"));
            std::iter::once((operator.name, operator.words)).chain(absent)
        })
    }

    /// Where a condition can look besides the arguments.
    fn fixed_paths(&self) -> [&'static str; 6] {
        [
            "grant.label",
            "grant.identity",
            "tool.name",
            "tool.class",
            "time.utc.hour",
            "time.utc.weekday",
        ]
    }

    /// Whether a limit says more than how many and how long, so that its form opens whole.
    fn is_measured(&self, form: &RuleForm) -> bool {
        let typed = |name| !form.typed.get(name).is_empty();
        let faulty = |name| form.faults.of(name).is_some();
        let refill = form.typed.get("refill");
        typed("per")
            || typed("cost")
            || !matches!(refill, "" | "sliding")
            || ["counter", "per", "cost"].into_iter().any(faulty)
    }

    /// Whether a test says more than the call, so that its form opens whole.
    fn is_particular(&self, form: &RuleForm) -> bool {
        let told = |name: &str| !form.typed.get(name).is_empty() || form.faults.of(name).is_some();
        ["label", "identity", "labels", "at", "class", "rule"]
            .into_iter()
            .any(told)
    }

    /// The block that a name would have.
    fn pointer_of(&self, name: &str) -> String {
        Place::Tool(name.to_owned()).pointer()
    }

    fn windows(&self) -> [&'static str; 5] {
        ["second", "minute", "hour", "day", "week"]
    }
}

/// What the schemas of the tools that a row stands for say of their arguments.
fn paths(pointer: &str, inventory: &[Tool]) -> Vec<ArgumentField> {
    let fits = |tool: &&Tool| match Place::of(pointer) {
        Some(Place::Tool(name)) if !name.contains('*') => tool.name == name,
        Some(Place::Tool(glob)) => {
            let (start, end) = glob.split_once('*').unwrap_or((&glob, ""));
            let end = end.rsplit('*').next().unwrap_or_default();
            tool.name.starts_with(start) && tool.name.ends_with(end)
        }
        Some(Place::Class(class)) => tool.class == Some(class),
        _ => true,
    };
    let mut paths: Vec<ArgumentField> = Vec::new();
    for tool in inventory.iter().filter(fits).take(TOOLS_READ_MAX) {
        for field in argument_paths(&tool.definition) {
            if paths.len() < PATHS_MAX && !paths.iter().any(|it| it.path == field.path) {
                paths.push(field);
            }
        }
    }
    paths
}
