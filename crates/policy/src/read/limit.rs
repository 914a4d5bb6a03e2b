//! Limits.

use json::Kind;

use super::{At, Reader, check, escape};
use crate::{
    codes::{BAD_COUNTER, BAD_PATH, OUT_OF_RANGE, SCOPE_NOT_SAFE, WRONG_TYPE},
    language::{COUNTER_CHARS_MAX, LIMIT, RATE_LIMIT, WINDOW_SECONDS_MAX, WINDOWS},
    limit::{Argument, Limit, LimitScope, Refill},
    not_available::Later,
    path::Path,
    rules::Rate,
};

/// One entry of `limits`.
pub(super) fn read(reader: &mut Reader<'_>, at: &At<'_>, block: &str) -> Option<Limit> {
    let fields = reader.object(at, &LIMIT)?;
    let counter = fields.get("counter").and_then(|at| counter(reader, at));
    let window_ms = fields.get("window").and_then(|at| window(reader, at));
    let max = reader.whole(&fields, "max");
    let mut scope = Some(LimitScope::Grant);
    if let Some(at) = fields.get("scope") {
        scope = reader.word(&fields, "scope");
        if scope == Some(LimitScope::Session) {
            let detail = "a client can open new sessions, so this bounds nobody who means to \
                          get past it";
            reader.warn(SCOPE_NOT_SAFE, at, detail);
        }
        if scope.is_some_and(|scope| scope != LimitScope::Grant) {
            reader.later(Later::Scope, at);
        }
    }
    let mut refill = Some(Refill::Sliding);
    if let Some(at) = fields.get("refill") {
        refill = reader.word(&fields, "refill");
        if refill.is_some_and(|refill| refill != Refill::Sliding) {
            reader.later(Later::Refill, at);
        }
    }
    let mut argument = |name, part| {
        let at = fields.get(name)?;
        let text = self::argument(reader, at);
        reader.later(part, at);
        text
    };
    let per = argument("per", Later::Per);
    let cost = argument("cost", Later::Cost);
    let on_deny = fields.get("on_deny").and_then(|at| reader.told(at));
    let mode = reader.word(&fields, "mode").unwrap_or_default();
    let counter = counter?;
    Some(Limit {
        rule: format!("{block}/limits/{}", escape(&counter)),
        counter,
        window_ms: window_ms?,
        max: max?,
        scope: scope?,
        refill: refill?,
        per,
        cost,
        on_deny,
        mode,
    })
}

/// `rate_limit`.
pub(super) fn read_rate(reader: &mut Reader<'_>, at: &At<'_>) -> Option<Rate> {
    let fields = reader.object(at, &RATE_LIMIT)?;
    let max = reader.whole(&fields, "max");
    let window_ms = fields.get("window").and_then(|at| window(reader, at));
    Some(Rate {
        max: max?,
        window_ms: window_ms?,
    })
}

/// A window in milliseconds.
fn window(reader: &mut Reader<'_>, at: &At<'_>) -> Option<u64> {
    let seconds = match at.value.kind() {
        Kind::String => {
            let text = reader.string(at)?;
            reader.among(at, &text, &WINDOWS)?
        }
        Kind::Number => reader.whole_at(at, 1, WINDOW_SECONDS_MAX)?,
        _ => {
            let detail = "must be \"second\", \"minute\", \"hour\", \"day\", \"week\" or a whole \
                          number of seconds";
            reader.fault(WRONG_TYPE, at, detail).got(at.value);
            return None;
        }
    };
    Some(seconds * 1000)
}

fn counter(reader: &mut Reader<'_>, at: &At<'_>) -> Option<String> {
    let text = reader.string(at)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    if text.is_empty() || text.len() > COUNTER_CHARS_MAX || !text.chars().all(plain) {
        let detail = format!(
            "a counter's name is 1 to {COUNTER_CHARS_MAX} letters, digits, `_`, `-`, `.` and `:`"
        );
        reader.fault(BAD_COUNTER, at, detail).got(at.value);
        return None;
    }
    Some(text)
}

/// A path to one argument, as `per` and `cost` take it.
fn argument(reader: &mut Reader<'_>, at: &At<'_>) -> Option<Argument> {
    let path = check::path(reader, at)?;
    let detail = match &path {
        Path::Args(steps) if steps.is_empty() => {
            "must lead to one argument, and `args` is all of them"
        }
        Path::Args(_) if path.has_each() => "must lead to one argument, so [*] has no place in it",
        Path::Args(_) => {
            return Some(Argument {
                text: at.value.as_str()?.into(),
                path,
            });
        }
        _ => "must lead to an argument, so it begins with args.",
    };
    reader.fault(BAD_PATH, at, detail).got(at.value);
    None
}

/// A time to wait, in milliseconds: written as a whole number and its unit.
pub(super) fn duration(reader: &mut Reader<'_>, at: &At<'_>) -> Option<u64> {
    let text = reader.string(at)?;
    let seconds = text
        .char_indices()
        .next_back()
        .and_then(|(last, unit)| {
            let unit = match unit {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                _ => return None,
            };
            let digits = &text[..last];
            let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
            digits
                .parse::<u64>()
                .ok()
                .filter(|_| plain)?
                .checked_mul(unit)
        })
        .filter(|seconds| (1..=WINDOW_SECONDS_MAX).contains(seconds));
    if seconds.is_none() {
        let detail = "must be a whole number and s, m, h or d, such as \"30m\"; at most 31 days";
        reader.fault(OUT_OF_RANGE, at, detail).got(at.value);
    }
    seconds.map(|seconds| seconds * 1000)
}
