//! What the engine itself makes of the tools' schemas.

use std::collections::HashSet;

use domain::Tool;
use policy::{Call, Engine, GrantFacts, Policy, ToolVerdict, Verdict, preview};

pub(super) const GRANT: GrantFacts<'static> = GrantFacts {
    label: "test",
    identity: None,
    labels: &[],
};

/// An engine that checks arguments against schemas and does nothing else.
pub(super) struct Probe<'t> {
    engine: Engine,
    usable: HashSet<&'t str>,
}

impl<'t> Probe<'t> {
    pub(super) fn new(tools: &[&'t Tool]) -> Self {
        let text = r#"{"version":"1","default":"allow","all_tools":{"validate":"schema"}}"#;
        let policy = Policy::parse(text).expect("a valid document");
        let inventory: Vec<Tool> = tools.iter().map(|&tool| tool.clone()).collect();
        let engine = Engine::compile(&policy, Some(&inventory));
        let usable = preview(&engine, &inventory, GRANT, 0);
        let usable = tools
            .iter()
            .zip(usable)
            .filter(|(_, preview)| preview.verdict != ToolVerdict::Refused)
            .map(|(tool, _)| tool.name.as_str())
            .collect();
        Self { engine, usable }
    }

    /// Whether the tool has a schema that the engine can check arguments against.
    pub(super) fn has_schema(&self, tool: &str) -> bool {
        self.usable.contains(tool)
    }

    /// Whether the arguments satisfy the tool's schema.
    pub(super) fn accepts(&self, tool: &str, arguments: &str) -> bool {
        let bounds = json::Bounds {
            bytes_max: 64 * 1024,
            depth_max: 32,
        };
        let Ok(document) = json::Document::parse(arguments.as_bytes(), bounds) else {
            return false;
        };
        let call = Call {
            tool,
            arguments: Some(document.root()),
            grant: GRANT,
            class: None,
            now_unix_ms: 0,
        };
        matches!(self.engine.judge(&call).verdict, Verdict::Pass(_))
    }
}
