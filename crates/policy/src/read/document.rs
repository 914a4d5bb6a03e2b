//! The document's own fields.

use std::collections::HashMap;

use domain::ToolClass;
use json::{Kind, Value};

use super::{At, Reader, block, field::Fields, quoted, test};
use crate::{
    codes::{
        BAD_GLOB, COUNTER_DISAGREES, GLOB_MATCHES_NOTHING, HIDDEN_ANYWAY, UNKNOWN_TOOL,
        UNSUPPORTED_VERSION,
    },
    glob::Glob,
    language::{CLASSES, DOCUMENT, Default, TOOLS_MAX},
    limit::{Limit, LimitScope, Refill},
    nearest::nearest,
    path::Path,
    rules::{Block, Rules},
};

/// For so many missing tools at most a nearest name is looked for, since each takes a look at the
/// whole inventory.
const HINTS_MAX: usize = 100;

/// None where a required field is missing or unusable; there may be faults beside rules.
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
    let mut limits = block::Limits::default();
    let all_tools = fields
        .get("all_tools")
        .map(|at| block::read(reader, at, true, &mut limits));
    let classes = fields
        .get("classes")
        .map(|at| classes(reader, at, &mut limits))
        .unwrap_or_default();
    let tools = fields
        .get("tools")
        .map(|at| tools(reader, at, &mut limits))
        .unwrap_or_default();
    let hide = hide(reader, &fields);
    let tests = test::read(reader, &fields);
    agree(reader, &limits);
    if let Some(at) = fields.get("tools") {
        hidden_anyway(reader, at, &hide, &tools);
    }
    Some(Rules {
        default_allow: default? == Default::Allow,
        hide,
        all_tools: all_tools.unwrap_or_else(|| Block {
            pointer: "/all_tools".to_owned(),
            ..Block::default()
        }),
        classes,
        tools,
        tests,
    })
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

fn classes(
    reader: &mut Reader<'_>,
    at: &At<'_>,
    limits: &mut block::Limits,
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

fn tools(reader: &mut Reader<'_>, at: &At<'_>, limits: &mut block::Limits) -> Vec<(Glob, Block)> {
    if reader.expect(at, Kind::Object).is_none() {
        return Vec::new();
    }
    reader.bounded(at, TOOLS_MAX);
    let mut hints = HINTS_MAX;
    let mut tools = Vec::new();
    for (key, value) in at.value.entries().take(TOOLS_MAX) {
        let name = key.as_str().unwrap_or_default();
        let child = at.child(&name, value);
        let named = At {
            value: key,
            pointer: child.pointer.clone(),
        };
        let block = block::read(reader, &child, false, limits);
        if let Some(glob) = glob(reader, &named, &name, &mut hints) {
            tools.push((glob, block));
        }
    }
    tools
}

fn hide(reader: &mut Reader<'_>, document: &Fields<'_>) -> Vec<Glob> {
    let mut hints = HINTS_MAX;
    let mut hide = Vec::new();
    for entry in reader.list(document, "hide") {
        if let Some(name) = reader.string(&entry)
            && let Some(glob) = glob(reader, &entry, &name, &mut hints)
        {
            hide.push(glob);
        }
    }
    hide
}

/// A tool's name or a glob, and whether the server has such a tool.
fn glob(reader: &mut Reader<'_>, at: &At<'_>, name: &str, hints: &mut usize) -> Option<Glob> {
    let glob = match Glob::parse(name) {
        Ok(glob) => glob,
        Err(detail) => {
            reader.fault(BAD_GLOB, at, detail).got(at.value);
            return None;
        }
    };
    let Some(inventory) = reader.inventory else {
        return Some(glob);
    };
    if inventory.iter().any(|tool| glob.matches(&tool.name)) {
        return Some(glob);
    }
    if glob.is_exact() {
        let near = hints
            .checked_sub(1)
            .and_then(|left| {
                *hints = left;
                nearest(name, inventory.iter().map(|tool| tool.name.as_str()))
            })
            .map(quoted);
        reader
            .warn(UNKNOWN_TOOL, at, "the server has no tool of this name")
            .hint(near);
    } else {
        reader.warn(
            GLOB_MATCHES_NOTHING,
            at,
            "the server has no tool that this matches",
        );
    }
    Some(glob)
}

/// Limits on one bucket agree on what it holds and what a call costs.
fn agree(reader: &mut Reader<'_>, limits: &block::Limits) {
    type Bucket<'l> = (&'l str, u64, LimitScope, Refill, Option<&'l Path>);
    let mut first: HashMap<Bucket<'_>, &block::Place> = HashMap::new();
    for place in &limits.0 {
        let limit = &place.limit;
        let bucket = (
            limit.counter.as_str(),
            limit.window_ms,
            limit.scope,
            limit.refill,
            limit.per.as_ref().map(|per| &per.path),
        );
        let earlier = *first.entry(bucket).or_insert(place);
        let cost = |limit: &Limit| limit.cost.as_ref().map(|cost| cost.path.clone());
        let same_cost = cost(&earlier.limit) == cost(limit);
        let differs = match (earlier.limit.max == limit.max, same_cost) {
            (true, true) => continue,
            (false, _) => format!(
                "`max` is {} there and {} here",
                earlier.limit.max, limit.max
            ),
            (true, false) => "`cost` is another one there".to_owned(),
        };
        let detail = format!(
            "this spends from the same bucket as {}, so both must say the same: {differs}",
            earlier.pointer
        );
        super::note(
            &mut reader.faults,
            COUNTER_DISAGREES,
            &place.pointer,
            place.offset,
            detail,
        );
    }
}

fn hidden_anyway(reader: &mut Reader<'_>, at: &At<'_>, hide: &[Glob], tools: &[(Glob, Block)]) {
    for (glob, block) in tools.iter().filter(|(glob, _)| glob.is_exact()) {
        if hide.iter().any(|hidden| hidden.matches(glob.text())) {
            let place = At {
                value: at.value.get(glob.text()).unwrap_or(at.value),
                pointer: block.pointer.clone(),
            };
            reader.warn(
                HIDDEN_ANYWAY,
                &place,
                "`hide` takes this tool away, so its block never applies",
            );
        }
    }
}
