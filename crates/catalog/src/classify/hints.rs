//! Annotations: what the server claims of its own tool. They raise and never lower.

use domain::tools::{Risk, ToolClass};
use serde_json::Value;

use super::{
    Classification,
    signal::{self, Signal},
};

/// From this confidence on, words are clear.
const CLEAR: f32 = 0.7;

/// The hints of a tool that are used.
struct Hints {
    writes: bool,
    destroys: bool,
}

impl Hints {
    fn new(annotations: &Value) -> Self {
        let says =
            |name: &str, value: bool| annotations.get(name).and_then(Value::as_bool) == Some(value);
        // The defaults of the protocol, all written out, are a library's and say nothing of the tool.
        let defaults = says("readOnlyHint", false)
            && says("destructiveHint", true)
            && says("idempotentHint", false)
            && says("openWorldHint", true);
        Self {
            writes: !defaults && says("readOnlyHint", false),
            destroys: !defaults && says("destructiveHint", true),
        }
    }
}

/// The classification, raised by what the server says.
pub(super) fn raise(said: Classification, annotations: Option<&Value>) -> Classification {
    let Some(hints) = annotations.map(Hints::new) else {
        return said;
    };
    let unclear = said.class == ToolClass::Read || said.confidence < CLEAR;
    let mut raised = said;
    if hints.destroys {
        // A clear write may mean to overwrite, and is a step riskier; what is worse says its risk itself.
        let (class, risk) = match (unclear, raised.class, raised.risk) {
            (true, ..) => (ToolClass::Destructive, Risk::High),
            (false, ToolClass::Write, Risk::Low) => (raised.class, Risk::Medium),
            (false, ToolClass::Write, _) => (raised.class, Risk::High),
            (false, class, risk) => (class, risk),
        };
        raise_to(
            &mut raised,
            class,
            risk,
            signal::new("hint_destroys", "the server says that it destroys"),
        );
    }
    if hints.writes {
        raise_to(
            &mut raised,
            ToolClass::Write,
            Risk::Low,
            signal::new("hint_writes", "the server says that it does not only read"),
        );
    }
    raised
}

fn raise_to(said: &mut Classification, class: ToolClass, risk: Risk, signal: Signal) {
    let risk = if class > said.class {
        class.risk().max(risk)
    } else {
        risk
    };
    if class > said.class || risk > said.risk {
        said.signals.push(signal);
    }
    said.class = said.class.max(class);
    said.risk = said.risk.max(risk);
}
