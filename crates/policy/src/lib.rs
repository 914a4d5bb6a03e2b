//! A team's document in, a decision out. Pure: no clock, no network, no database, no async.
//!
//! Two doors: [`Policy::parse`] takes a text and finds everything wrong with it; [`Engine`] takes a
//! policy and a server's inventory and judges calls. Start reading at `judge.rs`, where the order
//! of evaluation is; what is true of one condition is in `evaluate.rs`, and why it can be
//! *undecided* in `truth.rs`.
//!
//! ```
//! use policy::{Call, Engine, GrantFacts, Policy, Verdict};
//!
//! let text = r#"{ "version": "1", "default": "deny", "tools": { "rerun_workflow": {
//!     "deny_if": [{ "conditions": [{ "path": "args.branch", "op": "eq", "value": "main" }],
//!                   "on_deny": "Not on main." }] } } }"#;
//! let engine = Engine::compile(&Policy::parse(text).expect("a valid document"), None);
//!
//! let bounds = json::Bounds { bytes_max: 4 << 20, depth_max: 64 };
//! let arguments = json::Document::parse(br#"{ "branch": "main" }"#, bounds).expect("strict JSON");
//! let call = Call {
//!     tool: "rerun_workflow",
//!     arguments: Some(arguments.root()),
//!     grant: GrantFacts { label: "ci-runner", identity: None, labels: &[] },
//!     class: None,
//!     now_unix_ms: 0,
//! };
//! let Verdict::Refuse(refusal) = engine.judge(&call).verdict else { panic!("it is refused") };
//! assert_eq!(refusal.rule.as_deref(), Some("/tools/rerun_workflow/deny_if/0"));
//! assert_eq!(refusal.message, "Not on main.");
//! ```

mod amount;
pub mod builder;
mod case;
mod cases;
mod cidr;
mod codes;
mod counters;
mod coverage;
mod decision;
mod diff;
mod effort;
mod engine;
mod evaluate;
mod fault;
mod fold;
mod glob;
mod host;
mod input_schema;
mod judge;
mod language;
mod limit;
mod literal;
mod message;
mod nearest;
mod not_available;
mod number;
mod path;
mod plan;
mod policy;
mod preview;
mod read;
mod restrictions;
mod rules;
mod schema;
mod steps;
mod truth;
mod watch;
mod words;

pub use builder::{MergeError, Merged, merge};
pub use cases::TestOutcome;
pub use codes::{FAULT_CODES, WARNING_CODES};
pub use counters::{Counters, Explanation};
pub use coverage::{Coverage, IdleRule, UnruledTool, coverage};
pub use decision::Decision;
pub use diff::{Change, ChangeKind, Effect, diff};
pub use engine::{Call, Engine, GrantFacts, Judgement, Pass, Refusal, Spend, Verdict};
pub use fault::{Fault, Report};
pub use limit::{
    Approval, Approvers, Argument, Concurrent, Limit, LimitScope, Mode, Refill, ResultLimit,
};
pub use policy::{Policy, check};
pub use preview::{ToolPreview, ToolVerdict, preview};
pub use schema::json_schema;
pub use steps::{ConditionStep, Stage, Step, StepResult};
