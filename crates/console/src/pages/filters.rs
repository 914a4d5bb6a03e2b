//! How values are written on pages. Every text that someone outside wrote goes through [`seen`].

#![expect(
    unreachable_pub,
    reason = "the filters' macro writes `pub` for what is private here"
)]

use std::fmt::{Display, Write as _};

use askama::{Values, filters::Safe};
use site::text::{grouped, marked};
use time::{
    Duration, OffsetDateTime, format_description::StaticFormatDescription,
    macros::format_description,
};

/// Text of an upstream, a client or an agent: escaped, and every character that shows nothing or
/// reorders what is shown replaced by a mark with its code point.
#[askama::filter_fn]
pub(crate) fn seen<T: Display>(value: T, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(marked(&value.to_string())))
}

/// The same for a sentence of ours that quotes in backticks, with a capital at its start: what stands
/// between two backticks becomes code.
#[askama::filter_fn]
pub(crate) fn told<T: Display>(value: T, _: &dyn Values) -> askama::Result<Safe<String>> {
    let text = value.to_string();
    let mut rest = text.chars();
    let capital = rest
        .next()
        .map(|first| first.to_uppercase().chain(rest).collect::<String>());
    Ok(Safe(quoting(&capital.unwrap_or_default())))
}

fn quoting(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let whole = parts.len() % 2 == 1;
    let mut out = String::with_capacity(text.len() + 16);
    for (at, part) in parts.into_iter().enumerate() {
        match (at % 2 == 1, whole) {
            (true, true) => {
                let _ = write!(out, "<code>{}</code>", marked(part));
            }
            (true, false) => {
                let _ = write!(out, "`{}", marked(part));
            }
            (false, _) if at > 0 && !whole => {
                let _ = write!(out, "`{}", marked(part));
            }
            (false, _) => out.push_str(&marked(part)),
        }
    }
    out
}

/// The first `n` characters, with an ellipsis where there were more.
#[askama::filter_fn]
pub(crate) fn cut<T: Display>(value: T, _: &dyn Values, n: usize) -> askama::Result<String> {
    let text = value.to_string();
    Ok(match text.char_indices().nth(n) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text,
    })
}

const DAY: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:short] [year]");
const MOMENT: StaticFormatDescription = format_description!(
    "[weekday repr:short] [day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC"
);
const MACHINE: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// A moment, relative; the absolute one is in `title` and `datetime`.
#[askama::filter_fn]
pub(crate) fn ago(at: &OffsetDateTime, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(time_tag(
        *at,
        &relative(*at, OffsetDateTime::now_utc()),
    )))
}

/// A moment, absolute, to the second.
#[askama::filter_fn]
pub(crate) fn moment(at: &OffsetDateTime, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(time_tag(*at, &format(*at, MOMENT))))
}

fn time_tag(at: OffsetDateTime, text: &str) -> String {
    let (machine, moment) = (format(at, MACHINE), format(at, MOMENT));
    format!("<time datetime=\"{machine}\" title=\"{moment}\">{text}</time>")
}

fn format(at: OffsetDateTime, description: StaticFormatDescription) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(description)
        .unwrap_or_else(|_| at.to_string())
}

pub(crate) fn machine(at: OffsetDateTime) -> String {
    format(at, MACHINE)
}

fn relative(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let distance = now - at;
    let (ahead, distance) = (distance.is_negative(), distance.abs());
    let unit = match () {
        () if distance < Duration::seconds(5) => {
            return if ahead { "now" } else { "just now" }.to_owned();
        }
        () if distance < Duration::minutes(1) => format!("{} s", distance.whole_seconds()),
        () if distance < Duration::hours(1) => format!("{} min", distance.whole_minutes()),
        () if distance < Duration::hours(48) => format!("{} h", distance.whole_hours()),
        () if distance < Duration::days(120) => {
            // A grant of 90 days says so on its first day.
            let rounded = if ahead {
                distance + Duration::hours(12)
            } else {
                distance
            };
            format!("{} days", rounded.whole_days())
        }
        () => return format(at, DAY),
    };
    if ahead {
        format!("in {unit}")
    } else {
        format!("{unit} ago")
    }
}

/// A whole number with thin groups: 12,345.
#[askama::filter_fn]
pub(crate) fn count<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(grouped(&value.to_string()))
}

/// Microseconds in their natural unit.
#[askama::filter_fn]
pub(crate) fn micros(us: &u64, _: &dyn Values) -> askama::Result<String> {
    Ok(natural(*us))
}

pub(crate) fn natural(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..120_000_000 => match us % 1_000_000 / 100_000 {
            0 => format!("{} s", us / 1_000_000),
            tenths => format!("{}.{tenths} s", us / 1_000_000),
        },
        _ => format!("{} min", us / 60_000_000),
    }
}

/// Bytes in their natural unit (powers of 1024).
#[askama::filter_fn]
pub(crate) fn bytes(n: &u64, _: &dyn Values) -> askama::Result<String> {
    Ok(match *n {
        n @ 0..1024 => format!("{n} B"),
        n @ 1024..1_048_576 => format!("{}.{} KiB", n / 1024, n % 1024 * 10 / 1024),
        n => format!("{}.{} MiB", n / 1_048_576, n % 1_048_576 * 10 / 1_048_576),
    })
}

/// A moment of a query, as a browser's date field wants it: to the minute, without a zone.
#[askama::filter_fn]
pub(crate) fn to_minutes<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(value.to_string().chars().take(16).collect())
}

/// A value inside a query: everything but letters and digits is percent-encoded.
#[askama::filter_fn]
pub(crate) fn in_query<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    let text = value.to_string();
    Ok(
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC)
            .to_string(),
    )
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn quotes_become_code_only_in_pairs() {
        assert_eq!(
            quoting("`max` is `<b>`"),
            "<code>max</code> is <code>&lt;b&gt;</code>"
        );
        assert_eq!(quoting("a ` b"), "a ` b");
        assert_eq!(quoting(""), "");
    }

    #[test]
    fn moments_are_near_words() {
        let now = datetime!(2026-11-26 12:00:00 UTC);
        let say = |at| relative(at, now);
        assert_eq!(say(datetime!(2026-11-26 11:59:58 UTC)), "just now");
        assert_eq!(say(datetime!(2026-11-26 11:59:20 UTC)), "40 s ago");
        assert_eq!(say(datetime!(2026-11-26 11:00:01 UTC)), "59 min ago");
        assert_eq!(say(datetime!(2026-11-25 11:00:00 UTC)), "25 h ago");
        assert_eq!(say(datetime!(2027-02-24 12:00:00 UTC)), "in 90 days");
        assert_eq!(say(datetime!(2025-01-02 12:00:00 UTC)), "2 Jan 2025");
    }

    #[test]
    fn durations_are_natural() {
        assert_eq!(natural(812), "812 µs");
        assert_eq!(natural(2_450), "2.4 ms");
        assert_eq!(natural(312_000), "312 ms");
        assert_eq!(natural(1_560_000), "1.5 s");
        assert_eq!(natural(61_000_000), "61 s");
    }
}
