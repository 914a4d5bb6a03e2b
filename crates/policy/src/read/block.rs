//! Rule blocks.

use json::Kind;

use super::{At, Reader, approval, check, limit};
use crate::{
    codes::{ACTION_ALLOW_IN_ALL_TOOLS, APPROVAL_TWICE, BAD_VALUE, COUNTER_TWICE, REASON_UNUSED},
    limit::{Approval, Approvers, Concurrent, Limit, LimitScope, Mode},
    not_available::Later,
    rules::{Block, Validate},
};

const FIELDS: [&str; 10] = [
    "action",
    "reason",
    "require",
    "deny_if",
    "approval",
    "limits",
    "rate_limit",
    "validate",
    "concurrent",
    "max_result_bytes",
];
const CHECKS_MAX: usize = 64;
const LIMITS_MAX: usize = 32;
const RESULT_BYTES_MAX: u64 = 4 * 1024 * 1024;
const CONCURRENT_MAX: u64 = 1_000_000;
pub(super) const MODES: [(&str, Mode); 2] = [("enforce", Mode::Enforce), ("shadow", Mode::Shadow)];

/// Every limit of a document that names a counter, to be compared.
#[derive(Default)]
pub(super) struct Limits(pub(super) Vec<Place>);

/// A limit and its place.
pub(super) struct Place {
    pub(super) pointer: String,
    pub(super) offset: usize,
    pub(super) limit: Limit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Allow,
    Deny,
    RequireApproval,
}

/// Whatever of the block can be read.
pub(super) fn read(
    reader: &mut Reader<'_>,
    at: &At<'_>,
    all_tools: bool,
    limits: &mut Limits,
) -> Block {
    let mut block = Block {
        pointer: at.pointer.clone(),
        ..Block::default()
    };
    let Some(fields) = reader.object(at, &FIELDS) else {
        return block;
    };
    let actions = [
        ("allow", Action::Allow),
        ("deny", Action::Deny),
        ("require_approval", Action::RequireApproval),
    ];
    let action = fields
        .get("action")
        .and_then(|at| reader.word(at, &actions));
    block.deny = action == Some(Action::Deny);
    if let (Some(Action::Allow), true, Some(at)) = (action, all_tools, fields.get("action")) {
        let detail = "all_tools adds rules to every call and never allows a tool that nothing \
                      else allows; leave `action` out";
        reader.fault(ACTION_ALLOW_IN_ALL_TOOLS, at, detail);
    }
    if let (Some(Action::RequireApproval), Some(at)) = (action, fields.get("action")) {
        if fields.get("approval").is_some() {
            let detail = "`require_approval` is short for `approval: {}`; keep `approval` alone";
            reader.fault(APPROVAL_TWICE, at, detail);
        }
        reader.later(Later::Approval, at);
        block.approval = Some(Approval {
            rule: format!("{}/action", block.pointer),
            when: None,
            timeout_ms: None,
            reason: None,
            approvers: Approvers::default(),
            four_eyes: false,
            quorum: 1,
            mode: Mode::Enforce,
        });
    }
    if let Some(at) = fields.get("reason") {
        block.reason = reader.told(at);
        if !block.deny {
            let detail = "`reason` is told when `action` is `deny`, which it is not here";
            reader.warn(REASON_UNUSED, at, detail);
        }
    }
    for (name, sense) in [
        ("require", check::Sense::Require),
        ("deny_if", check::Sense::DenyIf),
    ] {
        let Some(at) = fields.get(name) else { continue };
        let checks = reader.list(at, CHECKS_MAX);
        let checks = checks
            .iter()
            .filter_map(|at| check::read(reader, at, sense))
            .collect();
        match sense {
            check::Sense::Require => block.require = checks,
            check::Sense::DenyIf => block.deny_if = checks,
        }
    }
    if let Some(at) = fields.get("approval") {
        block.approval = approval::read(reader, at, &block.pointer);
        if block
            .approval
            .as_ref()
            .is_some_and(|it| it.mode == Mode::Enforce)
        {
            reader.later(Later::Approval, at);
        }
    }
    if let Some(at) = fields.get("limits") {
        let first = limits.0.len();
        for at in reader.list(at, LIMITS_MAX) {
            let Some(place) = limit::read(reader, &at, &block.pointer) else {
                continue;
            };
            let counter = &place.limit.counter;
            if limits.0[first..]
                .iter()
                .any(|other| other.limit.counter == *counter)
            {
                let detail = format!(
                    "a block names a counter once; give this limit another name than {counter}"
                );
                reader.fault(COUNTER_TWICE, &at, detail);
                continue;
            }
            block.limits.push(place.limit.clone());
            limits.0.push(place);
        }
    }
    block.rate = fields
        .get("rate_limit")
        .and_then(|at| limit::read_rate(reader, at));
    block.validate = fields.get("validate").and_then(|at| validate(reader, at));
    block.concurrent = fields
        .get("concurrent")
        .and_then(|at| concurrent(reader, at, &block.pointer));
    block.max_result_bytes = fields
        .get("max_result_bytes")
        .and_then(|at| reader.whole(at, 1..=RESULT_BYTES_MAX));
    block
}

fn concurrent(reader: &mut Reader<'_>, at: &At<'_>, block: &str) -> Option<Concurrent> {
    let fields = reader.object(at, &["max", "scope", "mode"])?;
    reader.later(Later::Concurrent, at);
    let max = reader
        .required(&fields, "max")
        .and_then(|at| reader.whole(at, 0..=CONCURRENT_MAX));
    let scope = match fields.get("scope") {
        Some(at) => reader.word(at, &limit::SCOPES),
        None => Some(LimitScope::Grant),
    };
    let mode = reader.mode(&fields);
    Some(Concurrent {
        rule: format!("{block}/concurrent"),
        max: max?,
        scope: scope?,
        mode,
    })
}

fn validate(reader: &mut Reader<'_>, at: &At<'_>) -> Option<Validate> {
    match at.value.kind() {
        Kind::String => reader.word(at, &[("schema", Validate::Schema)]),
        Kind::Object => {
            let fields = reader.object(at, &["required_args"])?;
            let at = reader.required(&fields, "required_args")?;
            if reader.boolean(at)? {
                return Some(Validate::RequiredArguments);
            }
            reader.fault(
                BAD_VALUE,
                at,
                "must be true; leave `validate` out otherwise",
            );
            None
        }
        _ => {
            let detail = "must be \"schema\" or {\"required_args\": true}";
            reader
                .fault(crate::codes::WRONG_TYPE, at, detail)
                .got(at.value);
            None
        }
    }
}
