//! Reading a document: every fault at once, each at its place.

mod approval;
mod block;
mod bypassed;
mod check;
mod chosen;
mod document;
mod field;
mod limit;
mod op;
mod pattern;
mod test;
mod whole;

use domain::Tool;
use json::{Bounds, Document, Fault as JsonFault, FaultKind, Value};

use crate::{
    codes::{self, BAD_JSON, DOCUMENT_TOO_LARGE, DUPLICATE_KEY, NOT_AVAILABLE, TOO_DEEP},
    fault::{Fault, Report},
    not_available::Later,
    rules::Rules,
};

/// 256 KiB, 32 levels.
pub(crate) const BOUNDS: Bounds = Bounds {
    bytes_max: 256 * 1024,
    depth_max: 32,
};

/// A step of a pointer is cut to this many characters; a tool's name has at most 128.
const STEP_CHARS_MAX: usize = 128;
/// For so many missing tools at most a nearest name is looked for, since each takes a look at the
/// whole inventory.
const HINTS_MAX: usize = 100;
/// What stands in a document is quoted up to this many characters.
const QUOTED_CHARS_MAX: usize = 80;

/// Reads a document. The rules are there if and only if there is no fault.
pub(crate) fn document(text: &str, inventory: Option<&[Tool]>) -> (Option<Rules>, Report) {
    let (document, duplicates) = match Document::parse_noting_duplicates(text.as_bytes(), BOUNDS) {
        Ok(parsed) => parsed,
        Err(fault) => return (None, unreadable(text, fault)),
    };
    let mut reader = Reader::new(inventory);
    reader.duplicates(document.root(), &mut String::new(), &duplicates);
    let rules = document::read(&mut reader, document.root());
    let report = reader.report(text);
    (rules.filter(|_| report.valid), report)
}

fn unreadable(text: &str, fault: JsonFault) -> Report {
    let (code, detail) = match fault.kind {
        FaultKind::TooLong => (
            DOCUMENT_TOO_LARGE,
            "a policy is at most 256 KiB long".to_owned(),
        ),
        FaultKind::TooDeep => (TOO_DEEP, "a policy is nested at most 32 deep".to_owned()),
        kind => (
            BAD_JSON,
            format!("{kind}, so the text is not JSON as policies are read"),
        ),
    };
    let place = json::position(text, fault.offset);
    let got = text
        .get(fault.offset..)
        .and_then(|rest| rest.chars().next());
    let fault = Fault {
        pointer: String::new(),
        line: place.line,
        column: place.column,
        code,
        detail,
        got: got.filter(|_| code == BAD_JSON).map(|c| c.to_string()),
        hint: None,
    };
    Report {
        valid: false,
        faults: vec![fault],
        warnings: Vec::new(),
    }
}

/// A value and its place.
#[derive(Clone)]
struct At<'d> {
    value: Value<'d>,
    pointer: String,
}

impl<'d> At<'d> {
    fn child(&self, step: &str, value: Value<'d>) -> Self {
        let mut pointer = self.pointer.clone();
        push_step(&mut pointer, step);
        Self { value, pointer }
    }
}

/// Adds a step to a pointer. A step longer than any name of the language is cut: every fault has
/// its own pointer, so a key of 100 KiB with many faults beneath it would take gigabytes.
fn push_step(pointer: &mut String, step: &str) {
    pointer.push('/');
    match step.char_indices().nth(STEP_CHARS_MAX) {
        Some((end, _)) => {
            pointer.push_str(&escape(&step[..end]));
            pointer.push('…');
        }
        None => pointer.push_str(&escape(step)),
    }
}

/// A step of a JSON Pointer (RFC 6901, section 3).
pub(crate) fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// A fault whose line is not counted yet.
struct Found {
    offset: usize,
    fault: Fault,
}

impl Found {
    fn got(&mut self, value: Value<'_>) -> &mut Self {
        self.fault.got = Some(quoted(value.raw()));
        self
    }

    fn hint(&mut self, hint: Option<impl Into<String>>) -> &mut Self {
        self.fault.hint = hint.map(Into::into);
        self
    }
}

/// Collects what is wrong while the document is walked.
struct Reader<'i> {
    faults: Vec<Found>,
    warnings: Vec<Found>,
    inventory: Option<&'i [Tool]>,
    /// How many nearest names are still looked for.
    hints: usize,
    patterns: pattern::Budget,
}

impl<'i> Reader<'i> {
    fn new(inventory: Option<&'i [Tool]>) -> Self {
        let patterns = pattern::Budget::default();
        Self {
            faults: Vec::new(),
            warnings: Vec::new(),
            inventory,
            hints: HINTS_MAX,
            patterns,
        }
    }

    /// Notes a fault at a value.
    fn fault(&mut self, code: &'static str, at: &At<'_>, detail: impl Into<String>) -> &mut Found {
        debug_assert!(codes::FAULT_CODES.contains(&code));
        note(
            &mut self.faults,
            code,
            &at.pointer,
            at.value.span().start,
            detail.into(),
        )
    }

    /// Notes something odd at a value.
    fn warn(&mut self, code: &'static str, at: &At<'_>, detail: impl Into<String>) -> &mut Found {
        debug_assert!(codes::WARNING_CODES.contains(&code));
        note(
            &mut self.warnings,
            code,
            &at.pointer,
            at.value.span().start,
            detail.into(),
        )
    }

    /// Notes a part of the language that cannot be published yet.
    fn later(&mut self, part: Later, at: &At<'_>) {
        let words = part.words();
        let detail = format!("{words} not enforced by the gateway yet, so it cannot be published");
        self.warn(NOT_AVAILABLE, at, detail);
    }

    /// Notes the keys at these offsets. At most 32 levels of recursion, see [`BOUNDS`].
    fn duplicates(&mut self, value: Value<'_>, pointer: &mut String, offsets: &[usize]) {
        if offsets.is_empty() {
            return;
        }
        let outer = pointer.len();
        for (key, value) in value.entries() {
            push_step(pointer, &key.as_str().unwrap_or_default());
            let start = key.span().start;
            if offsets.binary_search(&start).is_ok() {
                let detail = format!("the object has the key {} already", quoted(key.raw()));
                note(&mut self.faults, DUPLICATE_KEY, pointer, start, detail);
            }
            self.duplicates(value, pointer, offsets);
            pointer.truncate(outer);
        }
        for (index, value) in value.elements().enumerate() {
            push_step(pointer, &index.to_string());
            self.duplicates(value, pointer, offsets);
            pointer.truncate(outer);
        }
    }

    fn report(self, text: &str) -> Report {
        let faults = placed(text, self.faults);
        Report {
            valid: faults.is_empty(),
            faults,
            warnings: placed(text, self.warnings),
        }
    }
}

fn note<'f>(
    list: &'f mut Vec<Found>,
    code: &'static str,
    pointer: &str,
    offset: usize,
    detail: String,
) -> &'f mut Found {
    let pointer = pointer.to_owned();
    let fault = Fault {
        pointer,
        line: 0,
        column: 0,
        code,
        detail,
        got: None,
        hint: None,
    };
    list.push(Found { offset, fault });
    list.last_mut().expect("one was just pushed")
}

/// Sorted by place, with lines and columns, which are counted in one pass.
fn placed(text: &str, mut found: Vec<Found>) -> Vec<Fault> {
    found.sort_by_key(|found| found.offset);
    let offsets: Vec<usize> = found.iter().map(|found| found.offset).collect();
    found
        .into_iter()
        .zip(json::positions(text, &offsets))
        .map(|(found, place)| Fault {
            line: place.line,
            column: place.column,
            ..found.fault
        })
        .collect()
}

/// A text cut to a readable length.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
