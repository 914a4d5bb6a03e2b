//! Rule blocks.

use json::Kind;

use super::{At, Reader, approval, check, limit};
use crate::{
    codes::{ACTION_ALLOW_IN_ALL_TOOLS, APPROVAL_TWICE, BAD_VALUE, COUNTER_TWICE, REASON_UNUSED},
    limit::Limit,
    not_available::Later,
    rules::Block,
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
pub(super) const MODES: [(&str, ()); 2] = [("enforce", ()), ("shadow", ())];

/// Every limit of a document that names a counter, to be compared.
#[derive(Default)]
pub(super) struct Limits(pub(super) Vec<Place>);

/// A limit, and what of it is not enforced yet but must agree.
pub(super) struct Place {
    pub(super) pointer: String,
    pub(super) offset: usize,
    pub(super) limit: Limit,
    pub(super) per: Option<String>,
    pub(super) cost: Option<String>,
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
        approval::read(reader, at);
        reader.later(Later::Approval, at);
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
    rest(reader, &fields);
    block
}

/// What is checked and not enforced yet.
fn rest(reader: &mut Reader<'_>, fields: &super::field::Fields<'_>) {
    if let Some(at) = fields.get("validate") {
        validate(reader, at);
        reader.later(Later::Validate, at);
    }
    if let Some(at) = fields.get("concurrent") {
        if let Some(fields) = reader.object(at, &["max", "scope", "mode"]) {
            if let Some(at) = reader.required(&fields, "max") {
                reader.whole(at, 0..=1_000_000);
            }
            if let Some(at) = fields.get("scope") {
                reader.word(at, &limit::SCOPES);
            }
            if let Some(at) = fields.get("mode") {
                reader.word(at, &MODES);
                reader.later(Later::Mode, at);
            }
        }
        reader.later(Later::Concurrent, at);
    }
    if let Some(at) = fields.get("max_result_bytes") {
        reader.whole(at, 1..=RESULT_BYTES_MAX);
        reader.later(Later::MaxResultBytes, at);
    }
}

fn validate(reader: &mut Reader<'_>, at: &At<'_>) {
    match at.value.kind() {
        Kind::String => {
            reader.word(at, &[("schema", ())]);
        }
        Kind::Object => {
            if let Some(fields) = reader.object(at, &["required_args"])
                && let Some(at) = reader.required(&fields, "required_args")
                && reader.boolean(at) == Some(false)
            {
                reader.fault(
                    BAD_VALUE,
                    at,
                    "must be true; leave `validate` out otherwise",
                );
            }
        }
        _ => {
            let detail = "must be \"schema\" or {\"required_args\": true}";
            reader
                .fault(crate::codes::WRONG_TYPE, at, detail)
                .got(at.value);
        }
    }
}
