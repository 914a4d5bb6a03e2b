//! Approvals.

use super::{
    At, Reader,
    check::{self, Sense},
    limit::duration,
};
use crate::limit::{Approval, Approvers};

const QUORUM_MAX: u64 = 10;

pub(super) fn read(reader: &mut Reader<'_>, at: &At<'_>, block: &str) -> Option<Approval> {
    let known = [
        "when",
        "timeout",
        "reason",
        "approvers",
        "four_eyes",
        "quorum",
        "mode",
    ];
    let fields = reader.object(at, &known)?;
    let when = fields
        .get("when")
        .map(|at| check::conditions(reader, at, Sense::DenyIf).into());
    let timeout_ms = fields.get("timeout").and_then(|at| duration(reader, at));
    let reason = fields.get("reason").and_then(|at| reader.text(at));
    let approvers = fields.get("approvers").and_then(|at| {
        let words = [
            ("admin", Approvers::Admin),
            ("policy_manager", Approvers::PolicyManager),
        ];
        reader.word(at, &words)
    });
    let four_eyes = fields.get("four_eyes").and_then(|at| reader.boolean(at));
    let quorum = fields
        .get("quorum")
        .and_then(|at| reader.whole(at, 1..=QUORUM_MAX));
    Some(Approval {
        rule: format!("{block}/approval"),
        when,
        timeout_ms,
        reason,
        approvers: approvers.unwrap_or_default(),
        four_eyes: four_eyes.unwrap_or(false),
        quorum: quorum.unwrap_or(1),
        mode: reader.mode(&fields),
    })
}
