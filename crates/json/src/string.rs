//! Strings: finding their end, and undoing their escapes.

use std::borrow::Cow;

use crate::fault::{Fault, FaultKind};

/// Where a string ends, and whether its text is its value.
pub(crate) struct Scanned {
    /// One past the closing quote.
    pub(crate) end: usize,
    pub(crate) escaped: bool,
}

/// Checks the string whose opening quote is at `start`.
pub(crate) fn scan(text: &str, start: usize) -> Result<Scanned, Fault> {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    let mut escaped = false;
    loop {
        at = plain_until(bytes, at);
        match bytes.get(at) {
            Some(b'"') => {
                return Ok(Scanned {
                    end: at + 1,
                    escaped,
                });
            }
            Some(b'\\') => {
                escaped = true;
                at = escape(bytes, at)?.1;
            }
            Some(_) => {
                return Err(Fault {
                    kind: FaultKind::ControlCharacter,
                    offset: at,
                });
            }
            None => {
                return Err(Fault {
                    kind: FaultKind::UnexpectedEnd,
                    offset: at,
                });
            }
        }
    }
}

/// The first byte from `at` that is a quote, a backslash or a control character, or the end.
fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // Marks the high bit of each byte below 0x20, or equal to a given one; never misses one, and
    // the loop after it looks at each byte of a marked word again.
    let below_blank = |word: u64| word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    let equal = |word: u64, byte: u64| {
        let zeroed = word ^ (ONES * byte);
        zeroed.wrapping_sub(ONES) & !zeroed & HIGHS
    };
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        if below_blank(word) | equal(word, b'"'.into()) | equal(word, b'\\'.into()) != 0 {
            break;
        }
        at += 8;
    }
    while bytes
        .get(at)
        .is_some_and(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
    {
        at += 1;
    }
    at
}

/// The character that the escape at `at` stands for, and where the text goes on.
fn escape(bytes: &[u8], at: usize) -> Result<(char, usize), Fault> {
    let bad = |kind| Fault { kind, offset: at };
    let simple = match bytes.get(at + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let first = unit(bytes, at)?;
            if let Some(alone) = char::from_u32(first) {
                return Ok((alone, at + 6));
            }
            // A surrogate: only a high one followed at once by a low one means something.
            let second = match bytes.get(at + 6..at + 8) {
                Some(b"\\u") => unit(bytes, at + 6)?,
                _ => 0,
            };
            if first < 0xDC00 && (0xDC00..0xE000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                let pair = char::from_u32(code).expect("a pair of surrogates is a character");
                return Ok((pair, at + 12));
            }
            return Err(bad(FaultKind::LoneSurrogate));
        }
        Some(_) => return Err(bad(FaultKind::BadEscape)),
        None => {
            return Err(Fault {
                kind: FaultKind::UnexpectedEnd,
                offset: bytes.len(),
            });
        }
    };
    Ok((simple, at + 2))
}

/// The UTF-16 unit of the `\uXXXX` at `at`.
fn unit(bytes: &[u8], at: usize) -> Result<u32, Fault> {
    let mut unit = 0;
    for place in at + 2..at + 6 {
        let Some(&byte) = bytes.get(place) else {
            return Err(Fault {
                kind: FaultKind::UnexpectedEnd,
                offset: bytes.len(),
            });
        };
        let digit = char::from(byte).to_digit(16).ok_or(Fault {
            kind: FaultKind::BadEscape,
            offset: at,
        })?;
        unit = unit * 16 + digit;
    }
    Ok(unit)
}

/// The value of a string that [`scan`] has accepted; `inner` is without its quotes.
pub(crate) fn decode(inner: &str, escaped: bool) -> Cow<'_, str> {
    if !escaped {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let (character, next) =
            escape(rest.as_bytes(), at).expect("escapes are checked when the text is read");
        out.push(character);
        rest = &rest[next..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}
