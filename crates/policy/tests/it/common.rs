//! What the tests share: a call from texts, a verdict as one line.

use domain::{Tool, ToolClass};
use json::{Bounds, Document};
use policy::{Call, Engine, GrantFacts, Policy, Verdict};

pub(crate) const BOUNDS: Bounds = Bounds {
    bytes_max: 1 << 20,
    depth_max: 64,
};

pub(crate) fn engine(document: &str, inventory: Option<&[Tool]>) -> Engine {
    let policy = Policy::parse(document).unwrap_or_else(|faults| panic!("{document}\n{faults:#?}"));
    Engine::compile(&policy, inventory)
}

pub(crate) fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        title: None,
        description: None,
        definition: format!("{{\"name\":{name:?}}}"),
        class: None,
    }
}

pub(crate) fn tools(names: &[&str]) -> Vec<Tool> {
    names.iter().map(|name| tool(name)).collect()
}

pub(crate) fn classed(name: &str, class: ToolClass) -> Tool {
    Tool {
        class: Some(class),
        ..tool(name)
    }
}

/// `allow`, or the code and the rule that refused.
pub(crate) fn judge(engine: &Engine, tool: &str, arguments: &str) -> String {
    judge_at(engine, tool, arguments, 0)
}

pub(crate) fn judge_at(engine: &Engine, tool: &str, arguments: &str, now_unix_ms: u64) -> String {
    let labels = [("team".to_owned(), "ci".to_owned())];
    let grant = GrantFacts {
        label: "ci-runner",
        identity: Some("bot"),
        labels: &labels,
    };
    with(engine, tool, arguments, grant, now_unix_ms)
}

pub(crate) fn with(
    engine: &Engine,
    tool: &str,
    arguments: &str,
    grant: GrantFacts<'_>,
    now_unix_ms: u64,
) -> String {
    let document = (!arguments.is_empty())
        .then(|| Document::parse(arguments.as_bytes(), BOUNDS).expect("the test's own JSON"));
    let arguments = document.as_ref().map(|document| document.root());
    match engine
        .judge(&Call {
            tool,
            arguments,
            grant,
            class: None,
            now_unix_ms,
        })
        .verdict
    {
        Verdict::Pass(_) => "allow".to_owned(),
        Verdict::Refuse(refusal) => match refusal.rule {
            Some(rule) => format!("{} {rule}", refusal.code),
            None => refusal.code.to_string(),
        },
    }
}

/// A policy whose tool `t` has this block.
pub(crate) fn with_block(block: &str) -> String {
    format!(r#"{{"version":"1","default":"deny","tools":{{"t":{block}}}}}"#)
}
