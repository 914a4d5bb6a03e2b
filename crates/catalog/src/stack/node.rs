//! The tree that JSON, TOML and plain lines are read into.

use super::{BYTES_MAX, DEPTH_MAX, Fault, relaxed};

/// A value of which only shape and text matter.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Count(u32),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
    Other,
}

impl Node {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Members of a table; of anything else none.
    pub(super) fn entries(&self) -> &[(String, Node)] {
        match self {
            Self::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Elements of a list; of anything else none.
    pub(super) fn elements(&self) -> &[Node] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let bytes = relaxed::strict(text);
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace());
    let Some(start) = start else {
        return Err(Fault::at(text, 0, "the text is empty"));
    };
    let after = bytes[start + 1..]
        .iter()
        .find(|byte| !byte.is_ascii_whitespace());
    match bytes[start] {
        b'{' => json(text, &bytes, 0),
        b'[' if matches!(after, Some(b'{' | b'"' | b']' | b',') | None) => json(text, &bytes, 0),
        // A piece out of the middle: `"name": { … }`.
        b'"' => json(text, &[b"{", bytes.as_slice(), b"}"].concat(), 1)
            .or_else(|fault| json(text, &bytes, 0).map_err(|_| fault)),
        b'[' => toml(text),
        _ => lines(text).map_or_else(|| toml(text), Ok),
    }
}

/// `lead` bytes stand before the text in `bytes`.
fn json(text: &str, bytes: &[u8], lead: usize) -> Result<Node, Fault> {
    let bounds = json::Bounds {
        bytes_max: BYTES_MAX + 2,
        depth_max: DEPTH_MAX,
    };
    // A comma may stand behind such a piece, and before the bracket that was put there.
    let mut bytes = bytes.to_vec();
    if lead > 0
        && let Some(last) = bytes[..bytes.len() - 1]
            .trim_ascii_end()
            .len()
            .checked_sub(1)
        && bytes[last] == b','
    {
        bytes[last] = b' ';
    }
    let document = json::Document::parse(&bytes, bounds).map_err(|fault| {
        let offset = fault.offset.saturating_sub(lead).min(text.len());
        Fault::at(text, offset, fault.kind.to_string())
    })?;
    Ok(of_json(document.root()))
}

fn of_json(value: json::Value<'_>) -> Node {
    match value.kind() {
        json::Kind::String => Node::Text(value.as_str().unwrap_or_default().into_owned()),
        json::Kind::Array => Node::List(value.elements().map(of_json).collect()),
        json::Kind::Object => {
            let members = value.members();
            Node::Table(
                members
                    .map(|(key, value)| (key.into_owned(), of_json(value)))
                    .collect(),
            )
        }
        json::Kind::Number => match value.as_number().and_then(|text| text.parse().ok()) {
            Some(count) => Node::Count(count),
            None => Node::Other,
        },
        json::Kind::Null | json::Kind::Bool => Node::Other,
    }
}

fn toml(text: &str) -> Result<Node, Fault> {
    let text_only = text.trim_start_matches('\u{feff}');
    let lead = text.len() - text_only.len();
    match toml::from_str::<toml::Table>(text_only) {
        Ok(table) => Ok(of_toml(toml::Value::Table(table))),
        // Its own words could quote what stands there.
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start + lead);
            let detail = "this is neither JSON nor TOML";
            Err(Fault::at(text, offset.min(text.len()), detail))
        }
    }
}

fn of_toml(value: toml::Value) -> Node {
    match value {
        toml::Value::String(text) => Node::Text(text),
        toml::Value::Array(list) => Node::List(list.into_iter().map(of_toml).collect()),
        toml::Value::Table(table) => {
            let members = table.into_iter();
            Node::Table(members.map(|(key, value)| (key, of_toml(value))).collect())
        }
        toml::Value::Integer(count) => count.try_into().map_or(Node::Other, Node::Count),
        _ => Node::Other,
    }
}

/// Lines each of which is an address, a package or a command that starts a server.
fn lines(text: &str) -> Option<Node> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let fits = |line: &&str| {
        let first = line.split_whitespace().next().unwrap_or_default();
        let scheme = ["https://", "http://", "npm:", "pypi:", "oci:"];
        scheme.iter().any(|scheme| first.starts_with(scheme)) || super::command::is_runner(first)
    };
    let list = |lines: Vec<&str>| {
        let texts = lines.into_iter().map(|line| Node::Text(line.to_owned()));
        Node::List(texts.collect())
    };
    lines.iter().all(fits).then(|| list(lines))
}
