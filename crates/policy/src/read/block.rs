//! Rule blocks.

use json::Kind;

use super::{At, Reader, approval, check, field::Fields, limit};
use crate::{
    codes::{
        ACTION_ALLOW_IN_ALL_TOOLS, APPROVAL_TWICE, BAD_VALUE, COUNTER_TWICE, REASON_UNUSED,
        WRONG_TYPE,
    },
    language::{Action, BLOCK, CONCURRENT, REQUIRED_ARGS, Whole},
    limit::{Approval, Approvers, Concurrent, Limit, LimitScope, Mode},
    not_available::Later,
    rules::{Block, Check, Validate},
};

/// A limit of a block, and its place.
pub(super) struct Place<'d> {
    pub(super) at: At<'d>,
    /// The block's pointer.
    pub(super) block: String,
    pub(super) limit: Limit,
}

/// Whatever of the block can be read.
pub(super) fn read<'d>(
    reader: &mut Reader<'_>,
    at: &At<'d>,
    all_tools: bool,
    limits: &mut Vec<Place<'d>>,
) -> Block {
    let pointer = at.pointer.clone();
    let Some(fields) = reader.object(at, &BLOCK) else {
        return Block {
            pointer,
            ..Block::default()
        };
    };
    let action: Option<Action> = reader.word(&fields, "action");
    if let (Some(Action::Allow), true, Some(at)) = (action, all_tools, fields.get("action")) {
        let detail = "all_tools adds rules to every call and never allows a tool that nothing \
                      else allows; leave `action` out";
        reader.fault(ACTION_ALLOW_IN_ALL_TOOLS, at, detail);
    }
    let deny = action == Some(Action::Deny);
    Block {
        deny,
        reason: reason(reader, &fields, deny),
        require: checks(reader, &fields, "require", check::Sense::Require),
        deny_if: checks(reader, &fields, "deny_if", check::Sense::DenyIf),
        approval: approval(reader, &fields, action),
        limits: self::limits(reader, &fields, limits),
        rate: fields
            .get("rate_limit")
            .and_then(|at| limit::read_rate(reader, at)),
        validate: fields.get("validate").and_then(|at| validate(reader, at)),
        concurrent: fields
            .get("concurrent")
            .and_then(|at| concurrent(reader, at, &pointer)),
        max_result_bytes: reader.whole(&fields, "max_result_bytes"),
        pointer,
    }
}

fn reason(reader: &mut Reader<'_>, fields: &Fields<'_>, deny: bool) -> Option<String> {
    let at = fields.get("reason")?;
    if !deny {
        let detail = "`reason` is told when `action` is `deny`, which it is not here";
        reader.warn(REASON_UNUSED, at, detail);
    }
    reader.told(at)
}

fn checks(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    name: &str,
    sense: check::Sense,
) -> Vec<Check> {
    let list = reader.list(fields, name);
    list.iter()
        .filter_map(|at| check::read(reader, at, sense))
        .collect()
}

/// The block's `approval`, or what `action: require_approval` is short for.
fn approval(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    action: Option<Action>,
) -> Option<Approval> {
    let block = &fields.object().pointer;
    let short = fields
        .get("action")
        .filter(|_| action == Some(Action::RequireApproval));
    if let Some(at) = short {
        if fields.get("approval").is_some() {
            let detail = "`require_approval` is short for `approval: {}`; keep `approval` alone";
            reader.fault(APPROVAL_TWICE, at, detail);
        }
        reader.later(Later::Approval, at);
    }
    if let Some(at) = fields.get("approval") {
        let read = approval::read(reader, at, block)?;
        if read.mode == Mode::Enforce {
            reader.later(Later::Approval, at);
        }
        return Some(read);
    }
    short.map(|_| Approval {
        rule: format!("{block}/action"),
        when: None,
        timeout_ms: None,
        reason: None,
        approvers: Approvers::default(),
        four_eyes: false,
        quorum: 1,
        mode: Mode::Enforce,
    })
}

fn limits<'d>(
    reader: &mut Reader<'_>,
    fields: &Fields<'d>,
    all: &mut Vec<Place<'d>>,
) -> Vec<Limit> {
    let block = &fields.object().pointer;
    let mut own: Vec<Limit> = Vec::new();
    for at in reader.list(fields, "limits") {
        let Some(limit) = limit::read(reader, &at, block) else {
            continue;
        };
        let counter = &limit.counter;
        if own.iter().any(|other| other.counter == *counter) {
            let detail = format!(
                "a block names a counter once; give this limit another name than {counter}"
            );
            reader.fault(COUNTER_TWICE, &at, detail);
            continue;
        }
        own.push(limit.clone());
        all.push(Place {
            at,
            block: block.clone(),
            limit,
        });
    }
    own
}

fn concurrent(reader: &mut Reader<'_>, at: &At<'_>, block: &str) -> Option<Concurrent> {
    let fields = reader.object(at, &CONCURRENT)?;
    reader.later(Later::Concurrent, at);
    let max = reader.whole(&fields, "max");
    let scope = match fields.get("scope") {
        Some(_) => reader.word(&fields, "scope"),
        None => Some(LimitScope::Grant),
    };
    let mode = reader.word(&fields, "mode").unwrap_or_default();
    Some(Concurrent {
        rule: format!("{block}/concurrent"),
        max: max?,
        scope: scope?,
        mode,
    })
}

fn validate(reader: &mut Reader<'_>, at: &At<'_>) -> Option<Validate> {
    match at.value.kind() {
        Kind::String => {
            let Whole::Schema = reader.word_at(at)?;
            Some(Validate::Schema)
        }
        Kind::Object => {
            let fields = reader.object(at, &REQUIRED_ARGS)?;
            let at = fields.get("required_args")?;
            if reader.boolean(at)? {
                return Some(Validate::RequiredArguments);
            }
            let detail = "must be true; leave `validate` out otherwise";
            reader.fault(BAD_VALUE, at, detail).got(at.value);
            None
        }
        _ => {
            let detail = "must be \"schema\" or {\"required_args\": true}";
            reader.fault(WRONG_TYPE, at, detail).got(at.value);
            None
        }
    }
}
