//! YAML in, JSON text out, with the way back from each place in the JSON to the author's.
//!
//! Only what JSON has: one document of maps, lists, text, numbers, booleans and null, by the core
//! schema of YAML 1.2.2. Numbers keep their spelling. Anchors, aliases, merge keys, tags,
//! directives and further documents are refused, so nothing in the file is written once and counted
//! twice, and what a reviewer reads is what is decided by.

mod print;
mod scalar;
mod write;

use policy::Fault;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

pub(super) use self::{print::Places, write::from_json};
use self::{
    print::{Member, Node, Shape},
    scalar::Plain,
};

/// Comments and indentation make YAML longer than the 256 KiB that its JSON may have.
const BYTES_MAX: usize = 1 << 20;
/// As many levels as a policy may have.
const DEPTH_MAX: usize = 32;
/// So many faults are told at once.
const FAULTS_MAX: usize = 1000;
/// A step of a pointer is cut to this many characters, as the policy's own faults cut it.
const STEP_CHARS_MAX: usize = 128;
/// What stands in the file is quoted up to this many characters.
const QUOTED_CHARS_MAX: usize = 80;

/// The text is not YAML, or says what JSON cannot: the one code that a policy's JSON cannot have.
pub(super) const BAD_YAML: &str = "bad_yaml";
const TOO_DEEP: &str = "too_deep";
const DOCUMENT_TOO_LARGE: &str = "document_too_large";

/// A place in the author's text, from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// A converted file.
#[derive(Debug)]
pub(super) struct Converted {
    /// Readable, and the same for the same YAML.
    pub(super) json: String,
    pub(super) places: Places,
}

/// Converts a file whole.
///
/// # Errors
/// Everything in it that JSON does not have, in the order of the text, or where it stops being
/// YAML. Duplicate keys are no error here: whoever reads the JSON says where they are.
pub(super) fn to_json(text: &str) -> Result<Converted, Vec<Fault>> {
    let mut reader = Reader::new(text);
    match reader.document(text) {
        Ok(root) if reader.faults.is_empty() => Ok(print::print(&root)),
        _ => Err(reader.faults),
    }
}

/// The file cannot be read further; why is among the faults.
struct Stop;

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    pointer: String,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            events: Parser::new_from_str(text),
            pointer: String::new(),
            faults: Vec::new(),
        }
    }

    fn document(&mut self, text: &str) -> Result<Node, Stop> {
        let top = Place { line: 1, column: 1 };
        if text.len() > BYTES_MAX {
            let detail = format!("the file is larger than {BYTES_MAX} bytes");
            return Err(self.stop(DOCUMENT_TOO_LARGE, top, detail));
        }
        if let Some(line) = directive(text) {
            let place = Place { line, column: 1 };
            self.fault(BAD_YAML, place, "a directive has no place in a policy")?;
        }
        loop {
            match self.next()? {
                (Event::StreamEnd, place) => {
                    return Err(self.stop(BAD_YAML, place, "there is no document in the file"));
                }
                (Event::DocumentStart(_), _) => break,
                _ => {}
            }
        }
        let (event, place) = self.next()?;
        let root = self.node(event, place, 0)?;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(root),
                (Event::DocumentStart(_), place) => {
                    let detail = "a second document begins here; a file holds one policy";
                    return Err(self.stop(BAD_YAML, place, detail));
                }
                _ => {}
            }
        }
    }

    /// At most [`DEPTH_MAX`] levels of recursion.
    fn node(&mut self, event: Event<'t>, place: Place, depth: usize) -> Result<Node, Stop> {
        if depth > DEPTH_MAX {
            let detail = format!("maps and lists are nested more than {DEPTH_MAX} deep");
            return Err(self.stop(TOO_DEEP, place, detail));
        }
        let shape = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.marks(anchor, tag.is_some(), place)?;
                Shape::Scalar(self.scalar(&text, style, place)?)
            }
            Event::SequenceStart(anchor, tag) => {
                self.marks(anchor, tag.is_some(), place)?;
                Shape::List(self.list(depth)?)
            }
            Event::MappingStart(anchor, tag) => {
                self.marks(anchor, tag.is_some(), place)?;
                Shape::Map(self.map(depth)?)
            }
            Event::Alias(_) => {
                let detail = "an alias (*) has no place in a policy; write out what it stands for";
                self.fault(BAD_YAML, place, detail)?;
                Shape::Scalar("null".to_owned())
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => {
                return Err(self.stop(BAD_YAML, place, "a value is missing here"));
            }
        };
        Ok(Node::new(shape, place))
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            let outer = self.enter(&items.len().to_string());
            items.push(self.node(event, place, depth + 1)?);
            self.pointer.truncate(outer);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Member>, Stop> {
        let mut members = Vec::new();
        loop {
            let (event, key_place) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(members),
                Event::Scalar(text, style, anchor, tag) => {
                    self.marks(anchor, tag.is_some(), key_place)?;
                    self.key(&text, style, key_place)?;
                    text
                }
                _ => {
                    let detail = "a key must be text";
                    return Err(self.stop(BAD_YAML, key_place, detail));
                }
            };
            let outer = self.enter(&key);
            let (event, place) = self.next()?;
            let value = self.node(event, place, depth + 1)?;
            self.pointer.truncate(outer);
            members.push(Member::new(&key, key_place, value));
        }
    }

    /// A key is text, and says so where it could be taken for something else.
    fn key(&mut self, text: &str, style: ScalarStyle, place: Place) -> Result<(), Stop> {
        if style != ScalarStyle::Plain {
            return Ok(());
        }
        let detail = match scalar::read(text) {
            Plain::Text if text == "<<" => {
                "a merge key (<<) has no place in a policy; write out what it stands for"
            }
            Plain::Text => return Ok(()),
            Plain::Refused(detail) => detail,
            Plain::Null | Plain::Bool(_) | Plain::Number => {
                "a key must be text; put it in quotes if this is its name"
            }
        };
        self.odd(text, place, detail)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, place: Place) -> Result<String, Stop> {
        let plain = match style {
            ScalarStyle::Plain => scalar::read(text),
            _ => Plain::Text,
        };
        Ok(match plain {
            Plain::Null => "null".to_owned(),
            Plain::Bool(value) => value.to_string(),
            Plain::Number => text.to_owned(),
            Plain::Text => quoted(text),
            Plain::Refused(detail) => {
                self.odd(text, place, detail)?;
                "null".to_owned()
            }
        })
    }

    /// Anchors and tags, which JSON does not have.
    fn marks(&mut self, anchor: usize, tag: bool, place: Place) -> Result<(), Stop> {
        if anchor != 0 {
            let detail = "an anchor (&) has no place in a policy";
            self.fault(BAD_YAML, place, detail)?;
        }
        if tag {
            let detail = "a tag (!) has no place in a policy; quotes make text of a value";
            self.fault(BAD_YAML, place, detail)?;
        }
        Ok(())
    }

    fn next(&mut self) -> Result<(Event<'t>, Place), Stop> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, start(span))),
            Some(Err(error)) => Err(self.unreadable(&error)),
            None => {
                let place = Place { line: 1, column: 1 };
                Err(self.stop(BAD_YAML, place, "the file ends too early"))
            }
        }
    }

    fn unreadable(&mut self, error: &ScanError) -> Stop {
        let place = place(error.marker().line(), error.marker().col());
        let detail = format!("this is not YAML: {}", error.info());
        self.stop(BAD_YAML, place, detail)
    }

    /// Adds a step to the pointer. Returns what to cut it to afterwards.
    fn enter(&mut self, step: &str) -> usize {
        let outer = self.pointer.len();
        let cut: String = step.chars().take(STEP_CHARS_MAX).collect();
        self.pointer.push('/');
        self.pointer += &cut.replace('~', "~0").replace('/', "~1");
        if cut.len() < step.len() {
            self.pointer.push('…');
        }
        outer
    }

    fn fault(&mut self, code: &'static str, at: Place, detail: &str) -> Result<(), Stop> {
        self.note(code, at, detail.to_owned(), None)
    }

    fn odd(&mut self, text: &str, at: Place, detail: &str) -> Result<(), Stop> {
        let cut: String = text.chars().take(QUOTED_CHARS_MAX).collect();
        let more = if cut.len() < text.len() { "…" } else { "" };
        self.note(BAD_YAML, at, detail.to_owned(), Some(cut + more))
    }

    fn stop(&mut self, code: &'static str, at: Place, detail: impl Into<String>) -> Stop {
        let _ = self.note(code, at, detail.into(), None);
        Stop
    }

    fn note(
        &mut self,
        code: &'static str,
        at: Place,
        detail: String,
        got: Option<String>,
    ) -> Result<(), Stop> {
        self.faults.push(Fault {
            pointer: self.pointer.clone(),
            line: at.line,
            column: at.column,
            code,
            detail,
            got,
            hint: None,
        });
        if self.faults.len() < FAULTS_MAX {
            Ok(())
        } else {
            Err(Stop)
        }
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    json::quote(text, &mut out);
    out
}

/// The line of a directive (`%YAML`, `%TAG`), which can only stand before the document.
fn directive(text: &str) -> Option<u32> {
    let head = text.lines().zip(1..);
    let mut head = head.take_while(|(line, _)| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with(['#', '%'])
    });
    head.find(|(line, _)| line.starts_with('%'))
        .map(|(_, number)| number)
}

fn start(span: Span) -> Place {
    place(span.start.line(), span.start.col())
}

/// The parser counts columns from 0.
fn place(line: usize, column: usize) -> Place {
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Place {
        line: small(line).max(1),
        column: small(column).saturating_add(1),
    }
}

#[cfg(test)]
mod tests;
