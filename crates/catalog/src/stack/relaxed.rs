//! JSON as people write it, made strict: comments and trailing commas become blanks, so that every
//! byte stays where it was.

/// Where the reader is.
enum In {
    Value,
    String { escaped: bool },
    Line,
    Block,
}

/// The same text with blanks for `// …`, `/* … */`, a comma before a closing bracket, and a
/// byte-order mark. What is wrong otherwise stays as wrong as it was.
pub(super) fn strict(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    if text.starts_with('\u{feff}') {
        bytes[..3].fill(b' ');
    }
    let mut state = In::Value;
    // A comma with nothing but blanks behind it so far.
    let mut comma = None;
    let mut at = 0;
    while at < bytes.len() {
        let (here, next) = (bytes[at], bytes.get(at + 1).copied());
        match &mut state {
            In::String { escaped } => {
                let ends = here == b'"' && !*escaped;
                *escaped = here == b'\\' && !*escaped;
                if ends {
                    state = In::Value;
                }
            }
            In::Line if matches!(here, b'\n' | b'\r') => state = In::Value,
            In::Block if here == b'*' && next == Some(b'/') => {
                bytes[at..at + 2].fill(b' ');
                at += 1;
                state = In::Value;
            }
            In::Line | In::Block => {
                if !matches!(here, b'\n' | b'\r') {
                    bytes[at] = b' ';
                }
            }
            In::Value => match (here, next) {
                (b'/', Some(b'/')) => {
                    bytes[at] = b' ';
                    state = In::Line;
                }
                (b'/', Some(b'*')) => {
                    bytes[at..at + 2].fill(b' ');
                    at += 1;
                    state = In::Block;
                }
                (b'"', _) => {
                    comma = None;
                    state = In::String { escaped: false };
                }
                (b',', _) => comma = Some(at),
                (b'}' | b']', _) => {
                    if let Some(comma) = comma.take() {
                        bytes[comma] = b' ';
                    }
                }
                (b' ' | b'\t' | b'\n' | b'\r', _) => {}
                _ => comma = None,
            },
        }
        at += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> String {
        let strict = strict(text);
        assert_eq!(strict.len(), text.len());
        String::from_utf8(strict).expect("only whole characters were blanked")
    }

    #[test]
    fn comments_and_trailing_commas_become_blanks_and_nothing_else_does() {
        for (text, expected) in [
            ("{\"a\":1,}", "{\"a\":1 }"),
            ("[1, // é\n]", "[1       \n]"),
            ("[1,/* ] */]", "[1        ]"),
            ("{\"//\":\"/*\\\",}\"}", "{\"//\":\"/*\\\",}\"}"),
            ("[,,]", "[, ]"),
            ("\u{feff}{}", "   {}"),
            ("[1] /* never ends", "[1]              "),
            ("[\"\\\\\",]", "[\"\\\\\" ]"),
        ] {
            assert_eq!(made(text).trim_end(), expected.trim_end(), "{text}");
        }
    }
}
