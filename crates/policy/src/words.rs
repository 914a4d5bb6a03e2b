//! Limits, places in flight and approvals as people say them.

use crate::{
    limit::{Approval, Approvers, Concurrent, Limit, LimitScope, Mode, Refill},
    message,
};

/// "10 a minute for all grants of the server".
pub(crate) fn limit(limit: &Limit) -> String {
    let mut words = limit.max.to_string();
    if let Some(cost) = &limit.cost {
        words += &format!(" of {}", cost.text());
    }
    words += &format!(" {}", message::window(limit.window_ms));
    if let Some(per) = &limit.per {
        words += &format!(" for each {}", per.text());
    }
    words += scope(limit.scope);
    words += match limit.refill {
        Refill::Sliding => "",
        Refill::Steady => ", at an even rate",
        Refill::Calendar => ", by the calendar",
    };
    words + mode(limit.mode)
}

/// "3 at once".
pub(crate) fn concurrent(concurrent: &Concurrent) -> String {
    let Concurrent { max, .. } = concurrent;
    format!(
        "{max} at once{}{}",
        scope(concurrent.scope),
        mode(concurrent.mode)
    )
}

/// "2 admins, within 30 minutes, none of them behind the grant".
pub(crate) fn approval(approval: &Approval) -> String {
    let who = match (approval.approvers, approval.quorum) {
        (Approvers::Admin, 1) => "an admin".to_owned(),
        (Approvers::Admin, many) => format!("{many} admins"),
        (Approvers::PolicyManager, 1) => "a policy manager".to_owned(),
        (Approvers::PolicyManager, many) => format!("{many} policy managers"),
    };
    let mut words = who;
    if let Some(ms) = approval.timeout_ms {
        words += &format!(", within {}", duration(ms));
    }
    if approval.four_eyes {
        words += ", nobody behind the grant";
    }
    words + mode(approval.mode)
}

pub(crate) fn scope(scope: LimitScope) -> &'static str {
    match scope {
        LimitScope::Grant => "",
        LimitScope::Server => " for all grants of the server together",
        LimitScope::Org => " for the whole organisation",
        LimitScope::Session => " for each session",
        LimitScope::Identity => " for each identity",
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "",
        Mode::Shadow => " (in shadow)",
    }
}

/// "30 minutes", in the largest unit that divides it.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    let units = [("day", 86_400), ("hour", 3600), ("minute", 60)];
    let whole = units
        .into_iter()
        .find(|(_, length)| seconds.is_multiple_of(*length) && seconds > 0);
    let (unit, count) = match whole {
        Some((unit, length)) => (unit, seconds / length),
        None => ("second", seconds),
    };
    match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    }
}
