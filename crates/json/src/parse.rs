//! Text in, tape out, in one pass and without recursion.

use crate::{
    duplicates,
    fault::{Fault, FaultKind},
    string,
    value::{Kind, Value},
};

/// What a reader is willing to take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The longest text, in bytes; never more than 4 GiB, whatever is asked for.
    pub bytes_max: usize,
    /// The most arrays and objects that may be open at once.
    pub depth_max: u16,
}

/// A parsed text: one flat tape of nodes beside the borrowed input.
///
/// The tape is the only allocation, but for objects of more than a handful of keys, which are
/// checked for duplicates with a hash table.
pub struct Document<'a> {
    pub(crate) text: &'a str,
    pub(crate) tape: Vec<Node>,
}

/// Says how long the text is, not what it says: bodies have no place in a log.
impl std::fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a JSON text of {} bytes", self.text.len())
    }
}

/// One value or key. Those inside a container follow it, keys and values taking turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// The first byte.
    pub(crate) start: u32,
    /// One past the last byte.
    pub(crate) end: u32,
    /// The node after this one and all it contains; the enclosing container while it is open.
    pub(crate) next: u32,
    /// Members or elements.
    pub(crate) len: u32,
    pub(crate) kind: Kind,
    /// Whether a string has escapes, so that its text is not its value.
    pub(crate) escaped: bool,
}

/// Stands for "no enclosing container" while parsing.
const OUTSIDE: u32 = u32::MAX;

impl<'a> Document<'a> {
    /// Reads one JSON text, whole.
    ///
    /// # Errors
    /// The first [`Fault`]. A duplicate key is reported when its object ends, at the later of the
    /// two keys.
    pub fn parse(bytes: &'a [u8], bounds: Bounds) -> Result<Self, Fault> {
        Parser::new(bytes, bounds, None)?.run()
    }

    /// Reads one JSON text and, instead of stopping at duplicate keys, tells where they are, so
    /// that an author sees all of them at once. For texts that are shown to people and refused,
    /// never for texts that are acted on.
    ///
    /// # Errors
    /// The first [`Fault`] other than a duplicate key.
    pub fn parse_noting_duplicates(
        bytes: &'a [u8],
        bounds: Bounds,
    ) -> Result<(Self, Vec<usize>), Fault> {
        let mut offsets = Vec::new();
        let document = Parser::new(bytes, bounds, Some(&mut offsets))?.run()?;
        offsets.sort_unstable();
        Ok((document, offsets))
    }

    /// The value that the text is.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }
}

struct Parser<'a, 'n> {
    text: &'a str,
    tape: Vec<Node>,
    at: usize,
    depth: u16,
    depth_max: u16,
    /// The innermost open container.
    open: u32,
    noted: Option<&'n mut Vec<usize>>,
}

/// What the grammar allows next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Value,
    /// A value, or the end of an array that has just begun.
    FirstElement,
    Key,
    /// A key, or the end of an object that has just begun.
    FirstKey,
    /// A comma or the end of the container.
    Separator,
}

impl<'a, 'n> Parser<'a, 'n> {
    fn new(
        bytes: &'a [u8],
        bounds: Bounds,
        noted: Option<&'n mut Vec<usize>>,
    ) -> Result<Self, Fault> {
        // Offsets are kept in 32 bits.
        let longest = bounds.bytes_max.min(u32::MAX as usize - 1);
        if bytes.len() > longest {
            return Err(Fault {
                kind: FaultKind::TooLong,
                offset: longest,
            });
        }
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            return Err(Fault {
                kind: FaultKind::ByteOrderMark,
                offset: 0,
            });
        }
        let text = std::str::from_utf8(bytes).map_err(|bad| Fault {
            kind: FaultKind::NotUtf8,
            offset: bad.valid_up_to(),
        })?;
        // A guess that most calls never outgrow and that no text can inflate.
        let tape = Vec::with_capacity((bytes.len() / 8 + 4).min(1024));
        let depth_max = bounds.depth_max;
        Ok(Self {
            text,
            tape,
            at: 0,
            depth: 0,
            depth_max,
            open: OUTSIDE,
            noted,
        })
    }

    fn run(mut self) -> Result<Document<'a>, Fault> {
        let bytes = self.text.as_bytes();
        let mut want = Want::Value;
        loop {
            self.skip_blanks();
            let Some(&byte) = bytes.get(self.at) else {
                return Err(self.fault(FaultKind::UnexpectedEnd));
            };
            want = match (want, byte) {
                (Want::FirstElement, b']') | (Want::FirstKey, b'}') => self.close()?,
                (Want::Value | Want::FirstElement, _) => self.value(byte)?,
                (Want::Key | Want::FirstKey, b'"') => {
                    self.string()?;
                    self.skip_blanks();
                    match bytes.get(self.at) {
                        Some(b':') => self.at += 1,
                        Some(_) => return Err(self.fault(FaultKind::UnexpectedByte)),
                        None => return Err(self.fault(FaultKind::UnexpectedEnd)),
                    }
                    Want::Value
                }
                (Want::Separator, b',') => {
                    self.at += 1;
                    if self.in_object() {
                        Want::Key
                    } else {
                        Want::Value
                    }
                }
                (Want::Separator, b']') if !self.in_object() => self.close()?,
                (Want::Separator, b'}') if self.in_object() => self.close()?,
                _ => return Err(self.fault(FaultKind::UnexpectedByte)),
            };
            if self.open == OUTSIDE {
                break;
            }
        }
        self.skip_blanks();
        if self.at < bytes.len() {
            return Err(self.fault(FaultKind::TrailingData));
        }
        Ok(Document {
            text: self.text,
            tape: self.tape,
        })
    }

    /// Reads a scalar, or opens a container.
    fn value(&mut self, first: u8) -> Result<Want, Fault> {
        if let Some(container) = self.tape.get_mut(self.open as usize) {
            container.len += 1;
        }
        match first {
            b'"' => self.string()?,
            b'{' => return self.open(Kind::Object, Want::FirstKey),
            b'[' => return self.open(Kind::Array, Want::FirstElement),
            b't' => self.word("true", Kind::Bool)?,
            b'f' => self.word("false", Kind::Bool)?,
            b'n' => self.word("null", Kind::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            b'+' | b'.' => return Err(self.fault(FaultKind::BadNumber)),
            _ => return Err(self.fault(FaultKind::UnexpectedByte)),
        }
        Ok(Want::Separator)
    }

    fn open(&mut self, kind: Kind, want: Want) -> Result<Want, Fault> {
        if self.depth == self.depth_max {
            return Err(self.fault(FaultKind::TooDeep));
        }
        self.depth += 1;
        let here = small(self.tape.len());
        let start = small(self.at);
        self.tape.push(Node {
            start,
            end: 0,
            next: self.open,
            len: 0,
            kind,
            escaped: false,
        });
        self.open = here;
        self.at += 1;
        Ok(want)
    }

    fn close(&mut self) -> Result<Want, Fault> {
        self.at += 1;
        self.depth -= 1;
        let (end, next) = (small(self.at), small(self.tape.len()));
        let here = self.open;
        let node = &mut self.tape[here as usize];
        self.open = node.next;
        node.end = end;
        node.next = next;
        if node.kind == Kind::Object && node.len > 1 {
            let found = duplicates::find(self.text, &self.tape, here);
            match &mut self.noted {
                Some(noted) => noted.extend(found),
                None => {
                    if let Some(&offset) = found.iter().min() {
                        return Err(Fault {
                            kind: FaultKind::DuplicateKey,
                            offset,
                        });
                    }
                }
            }
        }
        Ok(Want::Separator)
    }

    fn string(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let scanned = string::scan(self.text, start)?;
        self.at = scanned.end;
        self.push(start, Kind::String, scanned.escaped);
        Ok(())
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<(), Fault> {
        let start = self.at;
        for expected in word.bytes() {
            match self.text.as_bytes().get(self.at) {
                Some(&byte) if byte == expected => self.at += 1,
                Some(_) => return Err(self.fault(FaultKind::UnexpectedByte)),
                None => return Err(self.fault(FaultKind::UnexpectedEnd)),
            }
        }
        self.push(start, kind, false);
        Ok(())
    }

    /// RFC 8259, section 6.
    fn number(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        if bytes[self.at] == b'-' {
            self.at += 1;
        }
        let leading_zero = bytes.get(self.at) == Some(&b'0');
        let whole = self.digits()?;
        if leading_zero && whole > 1 {
            return Err(Fault {
                kind: FaultKind::BadNumber,
                offset: start,
            });
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(start, Kind::Number, false);
        Ok(())
    }

    /// At least one digit; how many there were.
    fn digits(&mut self) -> Result<usize, Fault> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        while bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        match (self.at - start, self.at == bytes.len()) {
            (0, true) => Err(self.fault(FaultKind::UnexpectedEnd)),
            (0, false) => Err(self.fault(FaultKind::BadNumber)),
            (count, _) => Ok(count),
        }
    }

    fn push(&mut self, start: usize, kind: Kind, escaped: bool) {
        let next = small(self.tape.len() + 1);
        let (start, end) = (small(start), small(self.at));
        self.tape.push(Node {
            start,
            end,
            next,
            len: 0,
            kind,
            escaped,
        });
    }

    fn skip_blanks(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn in_object(&self) -> bool {
        self.tape
            .get(self.open as usize)
            .is_some_and(|node| node.kind == Kind::Object)
    }

    fn fault(&self, kind: FaultKind) -> Fault {
        Fault {
            kind,
            offset: self.at,
        }
    }
}

/// Offsets and node numbers fit because no text is longer than 4 GiB and each node takes a byte.
fn small(n: usize) -> u32 {
    u32::try_from(n).expect("the text is shorter than 4 GiB")
}
