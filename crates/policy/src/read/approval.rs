//! Approvals.

use super::{
    At, Reader,
    check::{self, Sense},
    limit::duration,
};
use crate::{language::APPROVAL, limit::Approval};

pub(super) fn read(reader: &mut Reader<'_>, at: &At<'_>, block: &str) -> Option<Approval> {
    let fields = reader.object(at, &APPROVAL)?;
    let when = fields
        .get("when")
        .map(|_| check::conditions(reader, &fields, "when", Sense::DenyIf).into());
    let timeout_ms = fields.get("timeout").and_then(|at| duration(reader, at));
    let reason = fields.get("reason").and_then(|at| reader.text(at));
    let approvers = reader.word(&fields, "approvers");
    let four_eyes = fields.get("four_eyes").and_then(|at| reader.boolean(at));
    let quorum = reader.whole(&fields, "quorum");
    Some(Approval {
        rule: format!("{block}/approval"),
        when,
        timeout_ms,
        reason,
        approvers: approvers.unwrap_or_default(),
        four_eyes: four_eyes.unwrap_or(false),
        quorum: quorum.unwrap_or(1),
        mode: reader.word(&fields, "mode").unwrap_or_default(),
    })
}
