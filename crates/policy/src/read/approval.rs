//! Approvals: checked here, enforced in a later release.

use super::{
    At, Reader,
    block::MODES,
    check::{self, Sense},
    limit::duration,
};
use crate::not_available::Later;

const QUORUM_MAX: u64 = 10;

pub(super) fn read(reader: &mut Reader<'_>, at: &At<'_>) {
    let known = [
        "when",
        "timeout",
        "reason",
        "approvers",
        "four_eyes",
        "quorum",
        "mode",
    ];
    let Some(fields) = reader.object(at, &known) else {
        return;
    };
    if let Some(at) = fields.get("when") {
        check::conditions(reader, at, Sense::DenyIf);
    }
    if let Some(at) = fields.get("timeout") {
        duration(reader, at);
    }
    if let Some(at) = fields.get("reason") {
        reader.text(at);
    }
    if let Some(at) = fields.get("approvers") {
        reader.word(at, &[("admin", ()), ("policy_manager", ())]);
    }
    if let Some(at) = fields.get("four_eyes") {
        reader.boolean(at);
    }
    if let Some(at) = fields.get("quorum") {
        reader.whole(at, 1..=QUORUM_MAX);
    }
    if let Some(at) = fields.get("mode") {
        reader.word(at, &MODES);
        reader.later(Later::Mode, at);
    }
}
