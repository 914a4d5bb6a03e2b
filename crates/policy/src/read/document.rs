//! The document's own fields.

use domain::ToolClass;
use json::{Kind, Value};

use super::{
    At, Reader,
    block::{self, Place},
    field::Fields,
    quoted, test, whole,
};
use crate::{
    codes::{BAD_GLOB, GLOB_MATCHES_NOTHING, UNKNOWN_TOOL, UNSUPPORTED_VERSION},
    glob::Glob,
    language::{CLASSES, DOCUMENT, Default, TOOLS_MAX},
    nearest::nearest,
    rules::{Block, Rules},
};

/// Whatever can be read; there may be faults beside rules.
pub(super) fn read(reader: &mut Reader<'_>, root: Value<'_>) -> Option<Rules> {
    let root = At {
        value: root,
        pointer: String::new(),
    };
    let fields = reader.object(&root, &DOCUMENT)?;
    version(reader, &fields);
    let default: Option<Default> = reader.word(&fields, "default");
    if let Some(at) = fields.get("description") {
        reader.text(at);
    }
    let mut limits = Vec::new();
    let all_tools = fields
        .get("all_tools")
        .map(|at| block::read(reader, at, true, &mut limits));
    let classes = fields
        .get("classes")
        .map(|at| classes(reader, at, &mut limits));
    let tools = fields.get("tools").map(|at| tools(reader, at, &mut limits));
    let rules = Rules {
        default_allow: default == Some(Default::Allow),
        hide: hide(reader, &fields),
        all_tools: all_tools.unwrap_or_else(|| Block {
            pointer: "/all_tools".to_owned(),
            ..Block::default()
        }),
        classes: classes.unwrap_or_default(),
        tools: tools.unwrap_or_default(),
        tests: test::read(reader, &fields),
    };
    whole::look(reader, &fields, &rules, &limits);
    Some(rules)
}

fn version(reader: &mut Reader<'_>, fields: &Fields<'_>) {
    let Some(at) = fields.get("version") else {
        return;
    };
    if !at.value.is("1") {
        let detail = "the version of the language is the string \"1\"";
        reader
            .fault(UNSUPPORTED_VERSION, at, detail)
            .got(at.value)
            .hint(Some("\"1\""));
    }
}

fn classes<'d>(
    reader: &mut Reader<'_>,
    at: &At<'d>,
    limits: &mut Vec<Place<'d>>,
) -> Vec<(ToolClass, Block)> {
    let Some(fields) = reader.object(at, &CLASSES) else {
        return Vec::new();
    };
    ToolClass::ALL
        .into_iter()
        .filter_map(|class| Some((class, fields.get(class.as_str())?)))
        .map(|(class, at)| (class, block::read(reader, at, false, limits)))
        .collect()
}

fn tools<'d>(
    reader: &mut Reader<'_>,
    at: &At<'d>,
    limits: &mut Vec<Place<'d>>,
) -> Vec<(Glob, Block)> {
    if reader.expect(at, Kind::Object).is_none() {
        return Vec::new();
    }
    reader.bounded(at, TOOLS_MAX);
    let mut tools = Vec::new();
    for (key, value) in at.value.entries().take(TOOLS_MAX) {
        let name = key.as_str().unwrap_or_default();
        let child = at.child(&name, value);
        let named = At {
            value: key,
            pointer: child.pointer.clone(),
        };
        let block = block::read(reader, &child, false, limits);
        if let Some(glob) = glob(reader, &named, &name) {
            tools.push((glob, block));
        }
    }
    tools
}

fn hide(reader: &mut Reader<'_>, document: &Fields<'_>) -> Vec<Glob> {
    let mut hide = Vec::new();
    for entry in reader.list(document, "hide") {
        if let Some(name) = reader.string(&entry)
            && let Some(glob) = glob(reader, &entry, &name)
        {
            hide.push(glob);
        }
    }
    hide
}

/// A tool's name or a glob, and whether the server has such a tool.
fn glob(reader: &mut Reader<'_>, at: &At<'_>, name: &str) -> Option<Glob> {
    let glob = match Glob::parse(name) {
        Ok(glob) => glob,
        Err(detail) => {
            reader.fault(BAD_GLOB, at, detail).got(at.value);
            return None;
        }
    };
    if glob.is_exact() {
        reader.known_tool(at, name);
    } else if let Some(inventory) = reader.inventory
        && !inventory.iter().any(|tool| glob.matches(&tool.name))
    {
        let detail = "the server has no tool that this matches";
        reader.warn(GLOB_MATCHES_NOTHING, at, detail);
    }
    Some(glob)
}

impl Reader<'_> {
    /// Notes where the server has no tool of this name, and which was probably meant.
    pub(super) fn known_tool(&mut self, at: &At<'_>, name: &str) {
        let Some(inventory) = self.inventory else {
            return;
        };
        if inventory.iter().any(|tool| tool.name == name) {
            return;
        }
        let mut near = None;
        if self.hints > 0 {
            self.hints -= 1;
            near = nearest(name, inventory.iter().map(|tool| tool.name.as_str())).map(quoted);
        }
        self.warn(UNKNOWN_TOOL, at, "the server has no tool of this name")
            .hint(near);
    }
}
