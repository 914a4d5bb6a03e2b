//! Rows as JSON: thousands of them travel to Postgres as one value.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

/// Writes NUL, which Postgres cannot hold, as U+FFFD.
struct Storable(CompactFormatter);

impl Formatter for Storable {
    fn write_char_escape<W>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        match escape {
            CharEscape::AsciiControl(0) => writer.write_all("\u{FFFD}".as_bytes()),
            other => self.0.write_char_escape(writer, other),
        }
    }
}

pub(super) fn text(rows: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, Storable(CompactFormatter));
    rows.serialize(&mut writer)
        .expect("rows have names for keys, and a vector takes every byte");
    String::from_utf8(bytes).expect("JSON is text")
}

/// Tells one content from another. No seal: whoever loads the catalogue may load anything.
pub(super) fn hash(text: &str) -> Vec<u8> {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let fnv = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    text.bytes().fold(OFFSET, fnv).to_be_bytes().to_vec()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_becomes_a_sign_and_a_backslash_stays_one() {
        let written = text(&["a\0b", "\\u0000", "\n"]);
        assert_eq!(written, "[\"a\u{FFFD}b\",\"\\\\u0000\",\"\\n\"]");
    }

    #[test]
    fn the_hash_is_that_of_the_books() {
        // FNV-1a, 128 bits, of "a".
        assert_eq!(hex(&hash("a")), "d228cb696f1a8caf78912b704e4a8964");
    }
}
