//! Addresses without what may be a credential in them.

use super::secret::{REMOVED, is_reference, is_sensitive, looks_secret};

/// The longest address that is kept, and the longest part of its path.
const URL_BYTES_MAX: usize = 512;
const SEGMENT_BYTES_MAX: usize = 64;
/// Nobody writes a longer word; keys of small letters do exist.
const WORD_LETTERS_MAX: usize = 24;

/// The address without user, query and fragment, and how many credentials stood in it. None where
/// it is no address over http, or where the host itself looks like a key.
pub(super) fn clean(text: &str) -> (Option<String>, u32) {
    let text = text.trim();
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let scheme = match lower.as_str() {
        "https://" => "https://",
        _ if lower.starts_with("http://") => "http://",
        _ => return (None, 0),
    };
    let rest = &text[scheme.len()..];
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let mut removed = u32::from(rest[end..].contains('=') && !all_references(&rest[end..]));
    let (authority, path) = match rest[..end].find('/') {
        Some(slash) => rest[..end].split_at(slash),
        None => (&rest[..end], ""),
    };
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => {
            removed += 1;
            host
        }
        None => authority,
    };
    // A password may hold a slash or a question mark, and then it stands where the port and the path
    // are.
    let cut = host.contains(':') && rest[end..].contains('@');
    let leaks =
        cut || has_word_for_port(host) || path.split('/').any(|part| part.find('@') > Some(0));
    if leaks {
        return (None, removed + 1);
    }
    if !is_host(host) {
        return (None, removed);
    }
    if looks_secret(host) {
        return (None, removed + 1);
    }
    let mut out = format!("{scheme}{}", host.to_ascii_lowercase());
    let mut after_secret = false;
    for segment in path.split('/').skip(1) {
        out.push('/');
        let secret = std::mem::replace(&mut after_secret, is_sensitive(segment));
        if is_word(segment) && !secret {
            out.push_str(segment);
        } else {
            out.push_str(REMOVED);
            removed += u32::from(!is_reference(segment) && segment != REMOVED);
        }
    }
    match out.len() <= URL_BYTES_MAX {
        true => (Some(out), removed),
        false => (None, removed),
    }
}

/// Whether every value of a query stands elsewhere.
fn all_references(query: &str) -> bool {
    let mut values = query[1..]
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    values.all(|(_, value)| is_reference(value))
}

fn is_host(host: &str) -> bool {
    let name = host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    name && !host.is_empty() && host.len() <= 253
}

/// Whether what stands for a port is none: `https://user:pass/word@host`.
fn has_word_for_port(host: &str) -> bool {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.starts_with('[') || name.ends_with(']') => {
            port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit())
        }
        _ => false,
    }
}

/// Whether a part of a path is one that people write: words, numbers, and words with a short number
/// at their end. A link that is itself the key has other parts. An id of a server of ours is one.
fn is_word(segment: &str) -> bool {
    let plain = segment
        .strip_prefix('@')
        .unwrap_or(segment)
        .split(['-', '.', '_', '~'])
        .all(is_part);
    let own = segment
        .strip_prefix("srv_")
        .is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    segment.len() <= SEGMENT_BYTES_MAX && (own || (plain && !looks_secret(segment)))
}

fn is_part(part: &str) -> bool {
    let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = part.len() - letters.len();
    let spelt = letters.bytes().all(|b| b.is_ascii_alphabetic());
    let lower = letters.bytes().all(|b| b.is_ascii_lowercase());
    let short = letters.len() <= WORD_LETTERS_MAX;
    spelt && short && (digits == 0 || (letters.is_empty() && digits <= 8) || (lower && digits <= 3))
}
