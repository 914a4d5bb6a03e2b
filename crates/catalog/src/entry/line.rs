//! The line as JSON has it.

use std::collections::BTreeMap;

use domain::catalogue::{Hints, KnownServer, KnownTool};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};

use super::{BadEntry, Result, stated};

#[derive(Deserialize)]
pub(super) struct Line {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) vendor: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) repo: Option<String>,
    pub(super) subdir: Option<String>,
    pub(super) licence: Option<String>,
    #[serde(default)]
    pub(super) packages: Vec<String>,
    #[serde(default)]
    pub(super) transports: Vec<String>,
    pub(super) remote_url: Option<String>,
    pub(super) auth: Option<String>,
    #[serde(default)]
    pub(super) official: bool,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) sources: Vec<String>,
    pub(super) tools_from: Option<String>,
    pub(super) tools_date: Option<String>,
    pub(super) tools_total: Option<u64>,
    #[serde(default)]
    pub(super) copies: u64,
    pub(super) platform: Option<String>,
    pub(super) version: Option<String>,
    pub(super) tools: Option<Vec<ToolLine>>,
    #[serde(flatten)]
    pub(super) unknown: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct ToolLine {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) does: Option<String>,
    pub(super) note: Option<String>,
    pub(super) args: Option<Vec<Argument>>,
    pub(super) annotations: Option<Hints>,
    #[serde(flatten)]
    pub(super) unknown: BTreeMap<String, IgnoredAny>,
}

/// `[name, type, required]`, of which only the name must be there.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Argument {
    Full(String, Option<String>, Needed),
    Typed(String, Option<String>),
    Named((String,)),
}

/// 0 or 1, or as JSON has it.
#[derive(Clone, Copy)]
pub(super) struct Needed(bool);

impl<'de> Deserialize<'de> for Needed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u8),
            Bool(bool),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(number @ 0..=1) => Ok(Self(number == 1)),
            Either::Number(_) => Err(serde::de::Error::custom("must be 0 or 1")),
            Either::Bool(needed) => Ok(Self(needed)),
        }
    }
}

impl Argument {
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Full(path, _, _) | Self::Typed(path, _) | Self::Named((path,)) => path,
        }
    }

    pub(super) fn kind(&self) -> Option<&str> {
        match self {
            Self::Full(_, kind, _) | Self::Typed(_, kind) => kind.as_deref(),
            Self::Named(_) => None,
        }
    }

    pub(super) const fn required(&self) -> bool {
        matches!(self, Self::Full(_, _, Needed(true)))
    }
}

impl Line {
    /// Takes out the sentences that pages show as ours, and answers which fields had any.
    pub(super) fn mute(&mut self) -> Vec<&'static str> {
        let mut muted = Vec::new();
        let mut take = |field: &mut Option<String>, name| {
            if field.take().is_some() && !muted.contains(&name) {
                muted.push(name);
            }
        };
        take(&mut self.summary, "summary");
        for tool in self.tools.iter_mut().flatten() {
            take(&mut tool.does, "tools.does");
            take(&mut tool.note, "tools.note");
        }
        muted
    }
}

pub(super) fn parse(text: &str) -> Result<Line> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let line: Line = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        // Its place in the line is that of the line, which is known already.
        let what = error.into_inner().to_string();
        let what = what
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        match path.as_str() {
            "." | "?" => BadEntry(what),
            _ => BadEntry(format!("{path}: {what}")),
        }
    })?;
    match reader.end() {
        Ok(()) => Ok(line),
        Err(_) => Err(BadEntry("something follows the JSON object".to_owned())),
    }
}

#[derive(Serialize)]
struct Written<'a> {
    slug: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subdir: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<&'a str>,
    #[serde(skip_serializing_if = "is_empty")]
    packages: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    transports: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<&'a str>,
    #[serde(skip_serializing_if = "is_default")]
    official: bool,
    #[serde(skip_serializing_if = "is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    sources: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    tools_from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools_date: Option<time::Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools_total: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    copies: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Vec<WrittenTool<'a>>>,
}

#[derive(Serialize)]
struct WrittenTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    does: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Vec<(&'a str, Option<&'a str>, u8)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Hints>,
}

fn is_empty(list: &&[String]) -> bool {
    list.is_empty()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(super) fn write(server: &KnownServer, tools: Option<&[KnownTool]>) -> String {
    let written = Written {
        slug: &server.slug,
        name: &server.name,
        vendor: server.vendor.as_deref(),
        summary: server.summary.as_deref(),
        repo: server.repo.as_deref(),
        subdir: server.subdir.as_deref(),
        licence: server.licence.as_deref(),
        packages: &server.packages,
        transports: &server.transports,
        remote_url: server.remote_url.as_deref(),
        auth: server.auth.as_deref(),
        official: server.official,
        tags: &server.tags,
        sources: &server.sources,
        tools_from: server.tools_from.as_deref(),
        tools_date: server.tools_date,
        tools_total: server.tools_total,
        copies: server.copies,
        platform: server.platform.as_deref(),
        version: server.version.as_deref(),
        tools: tools.map(|tools| tools.iter().map(write_tool).collect()),
    };
    serde_json::to_string(&written).expect("names are keys, and a string takes all")
}

fn write_tool(tool: &KnownTool) -> WrittenTool<'_> {
    let args = tool.args.iter().flatten();
    let args = args.map(|arg| {
        let needed = u8::from(arg.required);
        (arg.path.as_str(), arg.kind.as_deref(), needed)
    });
    WrittenTool {
        name: &tool.name,
        description: tool.description.as_deref(),
        does: tool.does.as_deref(),
        note: tool.note.as_deref(),
        args: tool.args.is_some().then(|| args.collect()),
        annotations: stated(&tool.hints),
    }
}
