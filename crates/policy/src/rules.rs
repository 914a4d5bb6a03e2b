//! A document as it is understood.

use std::collections::HashSet;

use domain::ToolClass;
use ipnet::IpNet;
use regex::Regex;

use crate::{
    case::Case,
    glob::Glob,
    host::Host,
    limit::{Approval, Concurrent, Limit, Mode},
    literal::Literal,
    number::Number,
    path::Path,
};

/// The whole document.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) default_allow: bool,
    pub(crate) hide: Vec<Glob>,
    pub(crate) all_tools: Block,
    /// By class, mildest first.
    pub(crate) classes: Vec<(ToolClass, Block)>,
    pub(crate) tools: Vec<(Glob, Block)>,
    pub(crate) tests: Vec<Case>,
}

/// Where a block of a tool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// An entry of `tools`.
    Tool(usize),
    /// An entry of `classes`.
    Class(usize),
}

impl Rules {
    /// The block at a place.
    pub(crate) fn block(&self, place: Place) -> &Block {
        match place {
            Place::Tool(at) => &self.tools[at].1,
            Place::Class(at) => &self.classes[at].1,
        }
    }

    /// Where what decides on a tool stands, as a pointer: its block, `/classes` for several class
    /// blocks together, or `/default`.
    pub(crate) fn pointer(&self, places: &[Place]) -> &str {
        match places {
            [] => "/default",
            [place] => &self.block(*place).pointer,
            _ => "/classes",
        }
    }

    /// Every block of the document.
    pub(crate) fn every_block(&self) -> impl Iterator<Item = &Block> {
        let tools = self.tools.iter().map(|(_, block)| block);
        let classes = self.classes.iter().map(|(_, block)| block);
        tools.chain(classes).chain([&self.all_tools])
    }
}

/// What applies to a call.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) pointer: String,
    pub(crate) deny: bool,
    pub(crate) reason: Option<String>,
    pub(crate) require: Vec<Check>,
    pub(crate) deny_if: Vec<Check>,
    pub(crate) approval: Option<Approval>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) rate: Option<Rate>,
    pub(crate) validate: Option<Validate>,
    pub(crate) concurrent: Option<Concurrent>,
    pub(crate) max_result_bytes: Option<u64>,
}

impl Block {
    /// Every condition of the block.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let checks = self.require.iter().chain(&self.deny_if);
        let when = self.approval.iter().filter_map(|it| it.when.as_deref());
        checks
            .flat_map(|check| &check.conditions)
            .chain(when.flatten())
    }
}

/// What of the tool's `inputSchema` the arguments must satisfy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validate {
    /// All of it.
    Schema,
    /// That what it requires is there.
    RequiredArguments,
}

/// `rate_limit`, whose counter is named after the tool that is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) max: u64,
    pub(crate) window_ms: u64,
}

/// Conditions that hold together.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) pointer: String,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) on_deny: Option<String>,
    pub(crate) missing_passes: bool,
    pub(crate) mode: Mode,
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) path: Path,
    pub(crate) op: Op,
    /// For sentences: the path, the operator and the value as they were written.
    pub(crate) path_text: String,
    pub(crate) op_text: &'static str,
    pub(crate) value_text: String,
}

/// A pattern, and what each byte that it looks at costs.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    pub(crate) price: usize,
}

#[derive(Debug)]
pub(crate) enum Op {
    /// `eq`, `in`, and with `negate` `neq`, `not_in`. Texts are apart because they are often many.
    OneOf {
        texts: HashSet<Box<str>, foldhash::fast::RandomState>,
        others: Box<[Literal]>,
        negate: bool,
    },
    Order {
        than: Number,
        holds: fn(std::cmp::Ordering) -> bool,
    },
    Exists(bool),
    Matches {
        pattern: Pattern,
        negate: bool,
    },
    Contains(Literal),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    LengthAtMost(u64),
    Cidr(Box<[IpNet]>),
    HostIn(Box<[Host]>),
}
