//! The servers that an MCP client's configuration mentions, and what is to be said of them.
//!
//! A configuration holds keys. What is read of it is a list of what may be kept (a server's name, a
//! package, an address without its query, a program's bare name), never a list of what must go: env
//! values, header values and arguments have no place in any type here.

mod command;
mod node;
mod package;
mod relaxed;
pub mod report;
mod secret;
mod shapes;
#[cfg(test)]
mod tests;
mod url;

use std::fmt::Write as _;

use serde::Serialize;

/// The longest configuration, in bytes.
pub const BYTES_MAX: usize = 256 * 1024;
/// The deepest nesting.
pub const DEPTH_MAX: u16 = 32;
/// So many servers of a configuration are looked at.
pub const MENTIONS_MAX: usize = 100;

/// What a configuration mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// The servers, by name; at most [`MENTIONS_MAX`].
    pub mentions: Vec<Mention>,
    /// How many more there are.
    pub left_out: usize,
}

/// One server that a configuration mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mention {
    /// What the configuration calls it.
    pub name: String,
    /// What it is installed from, without the version: `npm:…`, `pypi:…`, `oci:…`.
    pub package: Option<String>,
    /// The version, where one is asked for.
    pub version: Option<String>,
    /// Where it is reached, without user, query and fragment; what looks like a key in the path
    /// reads `removed`.
    pub url: Option<String>,
    /// The repository that it is run from.
    pub source: Option<String>,
    /// The program that starts it, by its bare name: `npx`.
    pub command: Option<String>,
    /// How many values that look like credentials stand beside it in plain text. They are counted
    /// and dropped.
    pub removed: u32,
}

/// Why a text cannot be read as a configuration. Never quotes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {detail}")]
pub struct Fault {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// What is wrong there.
    pub detail: String,
}

impl Fault {
    fn at(text: &str, offset: usize, detail: impl Into<String>) -> Self {
        let json::Position { line, column } = json::position(text, offset);
        Self {
            line,
            column,
            detail: detail.into(),
        }
    }
}

/// Reads a configuration: the JSON of Claude, Cursor, VS Code, Windsurf, Zed, Gemini or opencode
/// (comments and trailing commas allowed), the TOML of Codex, a list, one server, or lines that are
/// commands, packages or addresses.
///
/// # Errors
/// What is wrong and where; also where nothing in it is a server.
pub fn read(text: &str) -> Result<Stack, Fault> {
    if text.len() > BYTES_MAX {
        let detail = format!("the text is longer than {} KiB", BYTES_MAX / 1024);
        return Err(Fault::at("", 0, detail));
    }
    let tree = node::read(text)?;
    let mut mentions = shapes::mentions(&tree);
    if mentions.is_empty() {
        let detail = "there is no MCP server in it: expected servers under \"mcpServers\", \
                      \"servers\", \"context_servers\" or \"mcp\", or [mcp_servers.…] tables";
        return Err(Fault::at(text, 0, detail));
    }
    mentions.sort();
    mentions.dedup();
    let left_out = mentions.len().saturating_sub(MENTIONS_MAX);
    mentions.truncate(MENTIONS_MAX);
    name_apart(&mut mentions);
    mentions.sort();
    Ok(Stack { mentions, left_out })
}

/// Names them differently: a configuration with projects can have one name several times.
fn name_apart(mentions: &mut [Mention]) {
    let mut taken = std::collections::HashSet::new();
    for mention in mentions {
        // Room for the number, so that the name is still one that is kept.
        let base: String = mention
            .name
            .chars()
            .take(shapes::NAME_CHARS_MAX - 6)
            .collect();
        let mut n = 2;
        while !taken.insert(mention.name.clone()) {
            mention.name = format!("{base} ({n})");
            n += 1;
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::quote(text, &mut out);
    out
}

/// The configuration without its secrets: all that is read of it, in one form. Stripping what was
/// stripped changes nothing.
///
/// # Errors
/// As [`read`].
pub fn strip(text: &str) -> Result<String, Fault> {
    Ok(read(text)?.text())
}

impl Stack {
    /// What was read, as a configuration that says the same.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = "{\n  \"mcpServers\": {".to_owned();
        for (at, mention) in self.mentions.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let members = mention.members().join(", ");
            let name = quoted(&mention.name);
            write!(out, "{comma}\n    {name}: {{ {members} }}").expect("a String takes anything");
        }
        out.push_str("\n  }\n}\n");
        out
    }
}

impl Mention {
    fn members(&self) -> Vec<String> {
        let texts = [
            ("command", &self.command),
            ("package", &self.package),
            ("version", &self.version),
            ("source", &self.source),
            ("url", &self.url),
        ];
        let mut members: Vec<String> = texts
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)))
            .map(|(key, value)| format!("\"{key}\": {}", quoted(value)))
            .collect();
        if self.removed > 0 {
            members.push(format!("\"{}\": {}", secret::REMOVED, self.removed));
        }
        members
    }

    /// By what the catalogue may know it, the surest first: packages, addresses, repositories.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(package) = &self.package {
            names.push(package.clone());
            if package.starts_with("pypi:") && package.contains('-') {
                names.push(package.replace('-', "_"));
            }
        }
        for address in [&self.url, &self.source].into_iter().flatten() {
            let bare = address.trim_end_matches('/');
            names.push(bare.to_owned());
            names.push(format!("{bare}/"));
        }
        names
    }
}
