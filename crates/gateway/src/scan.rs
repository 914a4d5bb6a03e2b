//! What one JSON-RPC message from an upstream is, found while its bytes go by.
//!
//! Results can be of any size, so they are not parsed: this walks the structure of the text, keeps
//! the few values that decide what became of a call, and takes any number of pieces. It refuses
//! what is not one object with brackets that match, names that stand twice at the top, and escaped
//! ASCII in the names it reads, since those are only used to be read differently by someone else.
//! It does not check numbers, literals or escapes: the text goes to the client as it came, and is
//! the client's to read.

/// The deepest nesting that is followed.
const DEPTH_MAX: u32 = 127;
/// The longest value that is kept (an id, a method).
const KEPT_MAX: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    ValueOrEnd,
    KeyOrEnd,
    Key,
    InKey,
    KeyEscape,
    Colon,
    Text,
    TextEscape,
    Literal,
    CommaOrEnd,
    End,
    Bad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Id,
    Method,
    Result,
    Error,
    IsError,
    ResultType,
    Tools,
    Code,
    Other,
}

/// What was found. Values are JSON text as it stood.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) method: Option<Vec<u8>>,
    pub(crate) result: bool,
    pub(crate) error: bool,
    /// `result.isError` is `true`.
    pub(crate) is_error: bool,
    pub(crate) result_type: Option<Vec<u8>>,
    /// `result` has a member `tools`.
    pub(crate) tools: bool,
    /// `error.code`, where it is a small integer.
    pub(crate) code: Option<i64>,
    /// How long the value of `result` or `error` is, as the text it stands as.
    pub(crate) outcome_bytes: u64,
}

impl Found {
    /// Whether the message says the server wants something before it goes on, or made a task of
    /// the call: neither is relayed.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.result_type
            .as_deref()
            .is_some_and(|kind| kind != b"\"complete\"" && kind != b"null")
    }
}

#[derive(Debug)]
pub(crate) struct Scan {
    state: State,
    depth: u32,
    /// Bit `n` says whether the bracket at depth `n` is an object's.
    objects: u128,
    key: Vec<u8>,
    outer: Name,
    inner: Name,
    keeping: Option<Name>,
    kept: Vec<u8>,
    /// How many bytes came before those that are looked at now.
    before: u64,
    /// Where the value of `result` or `error` begins.
    outcome_from: u64,
    found: Found,
}

impl Scan {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Value,
            depth: 0,
            objects: 0,
            key: Vec::new(),
            outer: Name::Other,
            inner: Name::Other,
            keeping: None,
            kept: Vec::new(),
            before: 0,
            outcome_from: 0,
            found: Found::default(),
        }
    }

    /// The whole of a message at once.
    pub(crate) fn whole(bytes: &[u8]) -> Option<Found> {
        let mut scan = Self::new();
        scan.push(bytes);
        scan.finish()
    }

    /// Whether the text is already known to be no message.
    pub(crate) fn is_bad(&self) -> bool {
        self.state == State::Bad
    }

    /// What has been found so far.
    pub(crate) fn found(&self) -> &Found {
        &self.found
    }

    /// What was found, where the text was one whole object.
    pub(crate) fn finish(self) -> Option<Found> {
        (self.state == State::End).then_some(self.found)
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.state == State::Text {
                let rest = &bytes[at..];
                let stop = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                self.keep(&rest[..stop]);
                at += stop;
                if let Some(&end) = bytes.get(at) {
                    self.keep(&[end]);
                    if end == b'"' {
                        self.value_done();
                    } else {
                        self.state = State::TextEscape;
                    }
                    at += 1;
                }
                continue;
            }
            // A literal ends at the byte after it, which then counts as itself.
            if self.state == State::Literal {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.') {
                    self.keep(&[byte]);
                    at += 1;
                    continue;
                }
                self.value_done();
            }
            self.step(byte, at);
            if self.state == State::Bad {
                return;
            }
            at += 1;
        }
        self.before += bytes.len() as u64;
    }

    fn step(&mut self, byte: u8, at: usize) {
        let blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.state = match (self.state, byte) {
            (State::InKey, b'"') => {
                self.key_done();
                return;
            }
            (State::InKey, _) => {
                if byte == b'\\' {
                    self.state = State::KeyEscape;
                } else if byte < 0x20 {
                    self.state = State::Bad;
                }
                self.keep_key(byte);
                return;
            }
            (State::KeyEscape, _) => {
                self.keep_key(byte);
                State::InKey
            }
            (State::TextEscape, _) => {
                self.keep(&[byte]);
                State::Text
            }
            (state, _) if blank => state,
            (State::ValueOrEnd, b']') => return self.close(false, at),
            (State::Value | State::ValueOrEnd, _) => return self.value(byte, at),
            (State::KeyOrEnd, b'}') => return self.close(true, at),
            (State::KeyOrEnd | State::Key, b'"') => {
                self.key.clear();
                State::InKey
            }
            (State::Colon, b':') => State::Value,
            (State::CommaOrEnd, b',') if self.in_object() => State::Key,
            (State::CommaOrEnd, b',') => State::Value,
            (State::CommaOrEnd, b'}') => return self.close(true, at),
            (State::CommaOrEnd, b']') => return self.close(false, at),
            _ => State::Bad,
        };
    }

    fn in_object(&self) -> bool {
        self.objects >> self.depth & 1 == 1
    }

    fn value(&mut self, byte: u8, at: usize) {
        if self.depth == 0 && byte != b'{' {
            self.state = State::Bad;
            return;
        }
        let name = match self.depth {
            1 => self.outer,
            2 if self.outer == Name::Result || self.outer == Name::Error => self.inner,
            _ => Name::Other,
        };
        match name {
            Name::Result if byte == b'{' => {
                self.found.result = true;
                self.outcome_from = self.before + at as u64;
            }
            Name::Error if byte == b'{' => {
                self.found.error = true;
                self.outcome_from = self.before + at as u64;
            }
            // Some servers send `"error": null` beside a result; what is neither is no message.
            Name::Error if byte == b'n' => {}
            Name::Result | Name::Error => {
                self.state = State::Bad;
                return;
            }
            Name::Tools => self.found.tools = true,
            _ => {}
        }
        match byte {
            b'{' | b'[' => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    self.state = State::Bad;
                    return;
                }
                let bit = 1_u128 << self.depth;
                self.objects = if byte == b'{' {
                    self.objects | bit
                } else {
                    self.objects & !bit
                };
                self.state = if byte == b'{' {
                    State::KeyOrEnd
                } else {
                    State::ValueOrEnd
                };
            }
            b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                if matches!(
                    name,
                    Name::Id | Name::Method | Name::IsError | Name::ResultType | Name::Code
                ) {
                    self.keeping = Some(name);
                    self.kept.clear();
                    self.keep(&[byte]);
                }
                self.state = if byte == b'"' {
                    State::Text
                } else {
                    State::Literal
                };
            }
            _ => self.state = State::Bad,
        }
    }

    fn close(&mut self, object: bool, at: usize) {
        if self.in_object() != object || self.depth == 0 {
            self.state = State::Bad;
            return;
        }
        self.depth -= 1;
        if self.depth == 1 && matches!(self.outer, Name::Result | Name::Error) {
            self.found.outcome_bytes = self.before + at as u64 + 1 - self.outcome_from;
        }
        self.state = if self.depth == 0 {
            State::End
        } else {
            State::CommaOrEnd
        };
    }

    fn value_done(&mut self) {
        self.state = State::CommaOrEnd;
        let Some(name) = self.keeping.take() else {
            return;
        };
        let text = std::mem::take(&mut self.kept);
        match name {
            Name::Id => self.found.id = Some(text),
            Name::Method => self.found.method = Some(text),
            Name::IsError => self.found.is_error = text == b"true",
            Name::ResultType => self.found.result_type = Some(text),
            Name::Code => {
                self.found.code = std::str::from_utf8(&text).ok().and_then(|t| t.parse().ok());
            }
            Name::Result | Name::Error | Name::Tools | Name::Other => {}
        }
    }

    fn key_done(&mut self) {
        self.state = State::Colon;
        if self.depth > 2 {
            return;
        }
        let escaped_ascii = self.key.iter().enumerate().any(|(at, byte)| {
            *byte == b'\\' && !self.key[at..].starts_with(b"\\u")
                || self.key[at..].starts_with(b"\\u00")
        });
        if escaped_ascii {
            self.state = State::Bad;
            return;
        }
        if self.depth == 2 {
            self.inner = match (self.outer, self.key.as_slice()) {
                (Name::Result, b"isError") => Name::IsError,
                (Name::Result, b"resultType") => Name::ResultType,
                (Name::Result, b"tools") => Name::Tools,
                (Name::Error, b"code") => Name::Code,
                _ => Name::Other,
            };
            return;
        }
        let (name, seen) = match self.key.as_slice() {
            b"id" => (Name::Id, self.found.id.is_some()),
            b"method" => (Name::Method, self.found.method.is_some()),
            b"result" => (Name::Result, self.found.result),
            b"error" => (Name::Error, self.found.error),
            _ => (Name::Other, false),
        };
        self.outer = name;
        if seen {
            self.state = State::Bad;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.keeping.is_some() {
            if self.kept.len() + bytes.len() > KEPT_MAX {
                self.state = State::Bad;
            } else {
                self.kept.extend_from_slice(bytes);
            }
        }
    }

    fn keep_key(&mut self, byte: u8) {
        // A longer key is none that is looked for; its beginning is enough to know that.
        if self.depth <= 2 && self.key.len() < 256 {
            self.key.push(byte);
        }
    }
}

fn value(text: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(text).ok()
}

/// Whether two ids, as JSON text, are the same id.
pub(crate) fn same_id(a: &[u8], b: &[u8]) -> bool {
    a == b
        || match (value(a), value(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
}
