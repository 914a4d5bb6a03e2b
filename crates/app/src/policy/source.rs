//! A policy's file, as its author wrote it and as the JSON it means.

use std::{
    ffi::OsStr,
    fs::File,
    io::{Read, stdin},
    path::Path,
};

use anyhow::Result;
use domain::Tool;
use policy::{Fault, Policy, Report};

use super::yaml::{self, Converted};
use crate::exit::Usage;

/// More than any policy may have, so what is cut here is refused as too large.
const BYTES_MAX: u64 = 4 << 20;

/// A file that was read. What is wrong with it is told at the lines and columns of its own text.
#[derive(Debug)]
pub(super) struct Source {
    name: String,
    text: String,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Json,
    Yaml(Converted),
    /// It has no JSON: why.
    Unreadable(Vec<Fault>),
}

impl Source {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// It cannot be read. Whatever is wrong with what it says is told by [`Source::check`].
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = read(path, BYTES_MAX)?;
        let name = name(path);
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Ok(Self::not_text(path, &error)),
        };
        let form = if is_yaml(path, &text) {
            yaml::to_json(&text).map_or_else(Form::Unreadable, Form::Yaml)
        } else {
            Form::Json
        };
        Ok(Self { name, text, form })
    }

    fn not_text(path: &Path, error: &std::string::FromUtf8Error) -> Self {
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let place = json::position(&text, error.utf8_error().valid_up_to());
        let fault = Fault {
            pointer: String::new(),
            line: place.line,
            column: place.column,
            code: match by_ending(path) {
                Some(Ending::Yaml) => yaml::BAD_YAML,
                Some(Ending::Json) | None => "bad_json",
            },
            detail: "the text is not UTF-8".to_owned(),
            got: None,
            hint: None,
        };
        Self {
            name: name(path),
            text,
            form: Form::Unreadable(vec![fault]),
        }
    }

    /// What it is called in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// As its author wrote it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// As JSON; none where it has none.
    pub(super) fn json(&self) -> Option<&str> {
        match &self.form {
            Form::Json => Some(&self.text),
            Form::Yaml(converted) => Some(&converted.json),
            Form::Unreadable(_) => None,
        }
    }

    /// Checks it whole and runs the tests inside.
    pub(super) fn check(&self, inventory: Option<&[Tool]>) -> Report {
        let (json, places) = match &self.form {
            Form::Json => (&self.text, None),
            Form::Yaml(converted) => (&converted.json, Some(&converted.places)),
            Form::Unreadable(faults) => {
                return Report {
                    valid: false,
                    faults: faults.clone(),
                    warnings: Vec::new(),
                };
            }
        };
        let mut report = policy::check(json, inventory);
        if let Some(places) = places {
            for fault in report.faults.iter_mut().chain(&mut report.warnings) {
                let place = places.of(fault.line, fault.column);
                (fault.line, fault.column) = (place.line, place.column);
            }
        }
        report
    }

    /// The policy that it is, whatever its tests say.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn policy(&self) -> Result<Policy, Report> {
        let parsed = match &self.form {
            Form::Json => Policy::parse(&self.text),
            Form::Yaml(converted) => Policy::parse(&converted.json),
            Form::Unreadable(_) => return Err(self.check(None)),
        };
        parsed.map_err(|_| self.check(None))
    }
}

/// Reads a file or standard input, up to a bound.
///
/// # Errors
/// [`Usage`]: it cannot be read.
pub(super) fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let done = if path == OsStr::new("-") {
        stdin().lock().take(bytes_max).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(bytes_max).read_to_end(&mut bytes))
    };
    match done {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Usage(format!("cannot read {}: {error}", name(path))).into()),
    }
}

/// A file's name in messages.
pub(super) fn name(path: &Path) -> String {
    if path == OsStr::new("-") {
        "standard input".to_owned()
    } else {
        super::show::visible(&path.display().to_string()).into_owned()
    }
}

/// By the name's ending; where it has none that says, JSON is what begins like it.
fn is_yaml(path: &Path, text: &str) -> bool {
    match by_ending(path) {
        Some(Ending::Yaml) => true,
        Some(Ending::Json) => false,
        None => {
            let start = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{feff}']);
            !start.is_empty() && !start.starts_with(['{', '[', '"'])
        }
    }
}

/// What a file's name says of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Json,
    Yaml,
}

pub(super) fn by_ending(path: &Path) -> Option<Ending> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "yaml" | "yml" => Some(Ending::Yaml),
        "json" => Some(Ending::Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides_and_else_the_beginning() {
        for (path, text, yaml) in [
            ("a.yaml", "{}", true),
            ("a.YML", "{}", true),
            ("a.json", "version: 1", false),
            ("-", " \n{\"version\": \"1\"}", false),
            ("-", "version: \"1\"", true),
            ("-", "# a comment\nversion: \"1\"", true),
            ("-", "", false),
            ("policy", "---\n", true),
        ] {
            assert_eq!(is_yaml(Path::new(path), text), yaml, "{path} {text:?}");
        }
    }
}
