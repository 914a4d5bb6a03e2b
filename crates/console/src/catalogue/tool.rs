//! A tool of a known server.

use catalog::{attacks, suggest};
use domain::{
    Risk, ToolClass,
    catalogue::{Hints, KnownServer, KnownTool, Origin},
};
use serde::Serialize;
use serde_json::value::RawValue;
use store::catalogue::{ToolCard, ToolEntry};
use utoipa::ToSchema;

use super::attack::CatalogueAttack;
use crate::api::schema;

/// An argument of a tool.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"path": "params.workflowId", "required": false, "kind": "string"}))]
pub(crate) struct CatalogueArgument {
    /// Its path from the call's arguments.
    path: String,
    /// Whether the tool says that it needs it.
    required: bool,
    /// Its JSON type, where it is known.
    kind: Option<String>,
}

/// Something that speaks for a tool's class or risk.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "moves_money", "words": "moves money"}))]
pub(crate) struct CatalogueSignal {
    id: String,
    words: String,
}

impl From<domain::catalogue::Signal> for CatalogueSignal {
    fn from(signal: domain::catalogue::Signal) -> Self {
        Self {
            id: signal.id,
            words: signal.words,
        }
    }
}

/// A tool of a known server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "rerun_workflow", "class": "execute", "risk": "high", "does": "Reruns a workflow.",
    "note": null, "description": null,
    "arguments": [{"path": "params.workflowId", "required": false, "kind": "string"}],
    "signals": [{"id": "reruns_ci", "words": "re-triggers CI/CD workflow execution"}],
    "confidence": 1.0, "corrected": false, "hints": {"destructiveHint": true}
}))]
pub(crate) struct CatalogueTool {
    name: String,
    #[schema(value_type = schema::ToolClass)]
    class: ToolClass,
    /// `low`, `medium`, `high` or `critical`.
    #[schema(value_type = String)]
    risk: Risk,
    /// What it does, in a sentence of ours, where we have looked.
    does: Option<String>,
    /// What to mind when writing a rule for it.
    note: Option<String>,
    /// What its server says it does. Untrusted text.
    description: Option<String>,
    /// Its arguments, as the paths that policies use; null where they are not known.
    arguments: Option<Vec<CatalogueArgument>>,
    /// What speaks for class and risk.
    signals: Vec<CatalogueSignal>,
    /// How sure class and risk are, from 0 to 1.
    confidence: f32,
    /// Whether the operator said what its class is.
    corrected: bool,
    /// What its server claims of it. Untrusted.
    #[schema(value_type = Object)]
    hints: Hints,
}

impl From<KnownTool> for CatalogueTool {
    fn from(tool: KnownTool) -> Self {
        let argument = |argument: domain::catalogue::KnownArgument| CatalogueArgument {
            path: argument.path,
            required: argument.required,
            kind: argument.kind,
        };
        Self {
            name: tool.name,
            class: tool.class,
            risk: tool.risk,
            does: tool.does,
            note: tool.note,
            description: tool.description,
            arguments: tool
                .args
                .map(|args| args.into_iter().map(argument).collect()),
            signals: tool.signals.into_iter().map(Into::into).collect(),
            confidence: tool.confidence,
            corrected: tool.corrected,
            hints: tool.hints,
        }
    }
}

/// A tool and whose it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "server": {"slug": "circleci", "name": "CircleCI", "origin": "shipped"},
    "name": "rerun_workflow", "class": "execute", "risk": "high", "does": "Reruns a workflow.",
    "note": null, "description": null, "arguments": [],
    "signals": [{"id": "reruns_ci", "words": "re-triggers CI/CD workflow execution"}],
    "confidence": 1.0, "corrected": false, "hints": {}
}))]
pub(crate) struct CatalogueFoundTool {
    server: CatalogueOwner,
    #[serde(flatten)]
    tool: CatalogueTool,
}

/// The server that a tool is of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"slug": "circleci", "name": "CircleCI", "origin": "shipped"}))]
pub(crate) struct CatalogueOwner {
    slug: String,
    /// Its publisher's own word, unless `origin` is `shipped`.
    name: String,
    /// Who put it into the catalogue: `shipped`, `imported` or `registry`.
    #[schema(value_type = String)]
    origin: Origin,
}

impl From<ToolCard> for CatalogueFoundTool {
    fn from(card: ToolCard) -> Self {
        Self {
            server: CatalogueOwner {
                slug: card.slug,
                name: card.server,
                origin: card.origin,
            },
            tool: card.tool.into(),
        }
    }
}

/// A rule for one tool.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "block", "name": "Block", "explanation": "Refuses every call.",
    "document": {"version": "1", "default": "deny"}}))]
pub(crate) struct CatalogueRule {
    /// `recommended`, `limit`, `block` or `hide`.
    id: &'static str,
    name: &'static str,
    explanation: String,
    /// A whole policy with a rule for this tool and no other, and with tests that pass.
    #[schema(value_type = Object)]
    document: Box<RawValue>,
}

impl CatalogueRule {
    /// None for a document that is no JSON, which no suggestion is.
    fn of(rule: suggest::Suggestion) -> Option<Self> {
        Some(Self {
            id: rule.id,
            name: rule.name,
            explanation: rule.explanation,
            document: RawValue::from_string(rule.document).ok()?,
        })
    }

    /// The rules to put on a tool, the recommended one first.
    pub(crate) fn all(tool: &KnownTool) -> Vec<Self> {
        let rules = suggest::suggestions(tool).into_iter();
        rules.filter_map(Self::of).collect()
    }
}

/// A question about a tool, with its answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"question": "How risky is rerun_workflow?",
    "answer": "Its risk is high.", "rule": null}))]
pub(crate) struct CatalogueQuestion {
    question: String,
    answer: String,
    /// The rule that the answer speaks of.
    rule: Option<&'static str>,
}

/// A tool with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "server": {"slug": "circleci", "name": "CircleCI", "origin": "shipped"},
    "name": "rerun_workflow", "class": "execute", "risk": "high", "does": "Reruns a workflow.",
    "note": null, "description": null, "arguments": [],
    "signals": [{"id": "reruns_ci", "words": "re-triggers CI/CD workflow execution"}],
    "confidence": 1.0, "corrected": false, "hints": {}, "correction": null,
    "rules": [], "questions": [],
    "attacks": []
}))]
pub(crate) struct CatalogueToolEntry {
    server: CatalogueOwner,
    #[serde(flatten)]
    tool: CatalogueTool,
    /// Why the operator gave it another class or risk, where it is corrected and that was said.
    correction: Option<String>,
    /// Rules to put on it, the recommended one first.
    rules: Vec<CatalogueRule>,
    /// What people ask about it.
    questions: Vec<CatalogueQuestion>,
    /// Attacks that it is open to.
    attacks: Vec<CatalogueAttack>,
}

impl From<ToolEntry> for CatalogueToolEntry {
    fn from(entry: ToolEntry) -> Self {
        let (server, tool) = (&entry.card.server, &entry.tool);
        Self {
            server: CatalogueOwner {
                slug: server.slug.clone(),
                name: server.name.clone(),
                origin: server.origin,
            },
            correction: entry.correction.clone(),
            rules: CatalogueRule::all(tool),
            questions: questions(server, tool),
            attacks: attacks::attacks_on(Some(server), tool)
                .into_iter()
                .map(CatalogueAttack::of)
                .collect(),
            tool: entry.tool.into(),
        }
    }
}

fn questions(server: &KnownServer, tool: &KnownTool) -> Vec<CatalogueQuestion> {
    let asked = suggest::questions(server, tool).into_iter();
    asked
        .map(|asked| CatalogueQuestion {
            question: asked.question,
            answer: asked.answer,
            rule: asked.rule,
        })
        .collect()
}
