//! The documented line format of a catalogue: one JSON object a server (`docs/catalogue.md`).

mod clean;
mod limits;
mod line;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use domain::{
    catalogue::{Hints, KnownArgument, KnownServer, KnownTool, Origin},
    tools::{Risk, ToolClass},
};
use time::{Date, macros::format_description};

use self::{
    limits::{
        ARGS_MAX, DESCRIPTION_CHARS_MAX, LIST_MAX, NUMBER_MAX, TEXT_CHARS_MAX, TOOL_NAME_CHARS_MAX,
        TOOLS_MAX,
    },
    line::ToolLine,
};
use crate::{Subject, classify};

/// A line that is no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadEntry(pub String);

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadEntry {
    /// The server.
    pub server: KnownServer,
    /// Its tools, classified; none where it is not scanned yet.
    pub tools: Option<Vec<KnownTool>>,
    /// Fields that are passed over: those that the format does not have, and sentences in our voice
    /// where it is not we who wrote them.
    pub unknown: Vec<String>,
}

type Result<T, E = BadEntry> = std::result::Result<T, E>;

fn bad<T>(field: &str, what: &str) -> Result<T> {
    Err(BadEntry(format!("{field}: {what}")))
}

/// Reads a line and classifies its tools.
///
/// # Errors
/// What is wrong with it, in words that begin with the field.
pub fn read_entry(line: &str, origin: Origin) -> Result<ReadEntry> {
    if line.len() > limits::LINE_BYTES_MAX {
        return Err(BadEntry("is longer than 4 MiB".to_owned()));
    }
    let mut line = line::parse(line)?;
    let mut unknown: Vec<String> = line.unknown.keys().cloned().collect();
    if origin != Origin::Shipped {
        unknown.extend(line.mute().into_iter().map(str::to_owned));
    }
    let tools = line
        .tools
        .as_ref()
        .map(|tools| read_tools(tools, &mut unknown));
    let tools = tools.transpose()?;
    let server = KnownServer {
        slug: slug(&line.slug)?,
        // Some lists have servers without a name.
        name: match text("name", Some(line.name))? {
            Some(name) => name,
            None => line.slug,
        },
        vendor: text("vendor", line.vendor)?,
        summary: text("summary", line.summary)?,
        repo: address("repo", line.repo)?,
        subdir: text("subdir", line.subdir)?,
        licence: text("licence", line.licence)?,
        packages: list("packages", line.packages)?,
        transports: transports(line.transports)?,
        remote_url: address("remote_url", line.remote_url)?,
        auth: auth(line.auth)?,
        official: line.official,
        tags: list("tags", line.tags)?,
        sources: list("sources", line.sources)?,
        tools_from: text("tools_from", line.tools_from)?,
        tools_date: line.tools_date.as_deref().map(date).transpose()?,
        tools_total: line
            .tools_total
            .map(|n| number("tools_total", n))
            .transpose()?,
        copies: number("copies", line.copies)?,
        platform: text("platform", line.platform)?,
        version: text("version", line.version)?,
        origin,
    };
    Ok(ReadEntry {
        server,
        tools,
        unknown,
    })
}

/// Small letters and digits, with hyphens between them.
fn slug(slug: &str) -> Result<String> {
    let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let fits = (1..=200).contains(&slug.len())
        && slug.chars().all(|letter| letters(letter) || letter == '-')
        && slug.starts_with(letters)
        && slug.ends_with(letters);
    match fits {
        true => Ok(slug.to_owned()),
        false => bad(
            "slug",
            "must be 1 to 200 of a to z, 0 to 9 and -, with no - at either end",
        ),
    }
}

fn required(field: &str, value: &str) -> Result<String> {
    match text(field, Some(value.to_owned()))? {
        Some(value) => Ok(value),
        None => bad(field, "is empty"),
    }
}

/// Cleaned; none where nothing is left.
fn text(field: &str, value: Option<String>) -> Result<Option<String>> {
    let Some(value) = value.map(|value| clean::line(&value)) else {
        return Ok(None);
    };
    match value.chars().count() {
        0 => Ok(None),
        length if length > TEXT_CHARS_MAX => bad(field, "is longer than 500 characters"),
        _ => Ok(Some(value)),
    }
}

/// Pages link to it, so it must not be `javascript:`.
fn address(field: &str, value: Option<String>) -> Result<Option<String>> {
    let value = text(field, value)?;
    match &value {
        Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
            bad(field, "must begin with https:// or http://")
        }
        Some(url) if url.contains(char::is_whitespace) => bad(field, "has a space in it"),
        _ => Ok(value),
    }
}

fn list(field: &str, values: Vec<String>) -> Result<Vec<String>> {
    if values.len() > LIST_MAX {
        return bad(field, "has more than 100 entries");
    }
    let mut kept = Vec::new();
    for value in values {
        kept.extend(text(field, Some(value))?.filter(|value| !kept.contains(value)));
    }
    Ok(kept)
}

fn transports(values: Vec<String>) -> Result<Vec<String>> {
    let values = list("transports", values)?;
    let known = |name: &String| matches!(name.as_str(), "stdio" | "streamable-http" | "sse");
    match values.iter().all(known) {
        true => Ok(values),
        false => bad("transports", "are of stdio, streamable-http and sse"),
    }
}

fn auth(value: Option<String>) -> Result<Option<String>> {
    match value.as_deref() {
        None | Some("oauth" | "none" | "bearer") => Ok(value),
        Some(_) => bad("auth", "must be oauth, none or bearer"),
    }
}

fn number(field: &str, number: u64) -> Result<u32> {
    match u32::try_from(number) {
        Ok(number) if number <= NUMBER_MAX => Ok(number),
        _ => bad(field, "is more than 1,000,000"),
    }
}

fn date(text: &str) -> Result<Date> {
    let format = format_description!("[year]-[month]-[day]");
    Date::parse(text, format)
        .or_else(|_| bad("tools_date", "must be a date, written as 2026-08-20"))
}

fn read_tools(lines: &[ToolLine], unknown: &mut Vec<String>) -> Result<Vec<KnownTool>> {
    if lines.len() > TOOLS_MAX {
        return bad("tools", "are more than 10,000");
    }
    let mut names = HashSet::new();
    let mut tools = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let field = format!("tools[{at}]");
        tools.push(read_tool(&field, line)?);
        if !names.insert(line.name.as_str()) {
            return bad(&field, "its name is there twice");
        }
        for name in line.unknown.keys().map(|name| format!("tools.{name}")) {
            if !unknown.contains(&name) {
                unknown.push(name);
            }
        }
    }
    Ok(tools)
}

fn read_tool(field: &str, line: &ToolLine) -> Result<KnownTool> {
    let mut tool = KnownTool {
        name: tool_name(field, &line.name)?,
        description: line.description.as_deref().and_then(description),
        does: text(&format!("{field}.does"), line.does.clone())?,
        note: text(&format!("{field}.note"), line.note.clone())?,
        args: None,
        hints: line.annotations.unwrap_or_default(),
        class: ToolClass::Write,
        risk: Risk::Medium,
        signals: Vec::new(),
        confidence: 0.0,
        corrected: false,
    };
    if let Some(args) = &line.args {
        if args.len() > ARGS_MAX {
            return bad(&format!("{field}.args"), "are more than 500");
        }
        let read = args.iter().map(|arg| argument(field, arg));
        tool.args = Some(read.collect::<Result<_>>()?);
    }
    judge(&mut tool);
    Ok(tool)
}

/// A tool is called by its name, so nothing may be taken out of one.
fn tool_name(field: &str, name: &str) -> Result<String> {
    let field = format!("{field}.name");
    match name.chars().count() {
        0 => bad(&field, "is empty"),
        length if length > TOOL_NAME_CHARS_MAX => bad(&field, "is longer than 200 characters"),
        _ if name.chars().any(clean::is_hidden) => bad(&field, "has a hidden character"),
        _ => Ok(name.to_owned()),
    }
}

fn description(text: &str) -> Option<String> {
    let clean = clean::line(text);
    let cut: String = clean.chars().take(DESCRIPTION_CHARS_MAX).collect();
    let cut = cut.trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}

fn argument(field: &str, arg: &line::Argument) -> Result<KnownArgument> {
    let field = format!("{field}.args");
    let path = match arg.path() {
        path if path.chars().any(clean::is_hidden) => bad(&field, "have a hidden character")?,
        path => required(&field, path)?,
    };
    Ok(KnownArgument {
        path,
        kind: text(&field, arg.kind().map(str::to_owned))?,
        required: arg.required(),
    })
}

/// Gives a tool the class, risk and signals that the classifier finds. What was corrected stays so
/// in the store, which knows what the operator says.
pub fn judge(tool: &mut KnownTool) {
    let annotations = serde_json::to_value(tool.hints).unwrap_or_default();
    let args = tool.args.iter().flatten().map(|arg| arg.path.as_str());
    let said = classify(&Subject {
        name: &tool.name,
        description: tool.description.as_deref(),
        args: args.collect(),
        schema: None,
        annotations: Some(&annotations),
    });
    tool.class = said.class;
    tool.risk = said.risk;
    tool.signals = said.signals;
    tool.confidence = said.confidence;
}

/// Writes a server as such a line, without the line's end. Class, risk and signals are not part of
/// it: whoever reads it finds them anew.
#[must_use]
pub fn write_entry(server: &KnownServer, tools: Option<&[KnownTool]>) -> String {
    line::write(server, tools)
}

/// Stated hints, for a tool's line.
fn stated(hints: &Hints) -> Option<Hints> {
    (*hints != Hints::default()).then_some(*hints)
}
