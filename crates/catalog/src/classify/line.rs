//! Tools as lines of JSON in, classifications as lines of JSON out.

use domain::tools::{Risk, ToolClass};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Subject, classify};

/// A line that is not a tool.
#[derive(Debug, thiserror::Error)]
#[error("not a tool: {0}")]
pub struct BadLine(#[from] serde_json::Error);

/// A tool as `tools/list` answers it, or as a line of a catalogue holds it. Other members are left
/// alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    name: String,
    description: Option<String>,
    #[serde(default)]
    args: Option<Vec<Argument>>,
    input_schema: Option<Value>,
    annotations: Option<Value>,
}

/// `"path"`, or `["path", "string", 1]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Argument {
    Name(String),
    Row(Vec<Value>),
}

impl Argument {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Row(row) => row.first()?.as_str(),
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    name: &'a str,
    class: ToolClass,
    risk: Risk,
    /// In words.
    signals: Vec<&'a str>,
    confidence: f32,
}

/// One tool in, `{name, class, risk, signals, confidence}` out, neither with a line break.
///
/// # Errors
/// The line is not a JSON object with a `name`, or a member has another type than MCP gives it.
pub fn classify_line(line: &str) -> Result<String, BadLine> {
    let tool: Line = serde_json::from_str(line)?;
    let args = tool.args.iter().flatten();
    let subject = Subject {
        name: &tool.name,
        description: tool.description.as_deref(),
        args: args.filter_map(Argument::name).collect(),
        schema: tool.input_schema.as_ref(),
        annotations: tool.annotations.as_ref(),
    };
    let said = classify(&subject);
    let words = said.signals.iter().map(|signal| signal.words.as_str());
    Ok(serde_json::to_string(&Answer {
        name: &tool.name,
        class: said.class,
        risk: said.risk,
        signals: words.collect(),
        confidence: said.confidence,
    })?)
}
