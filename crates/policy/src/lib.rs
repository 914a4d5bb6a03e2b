//! A team's document in, a decision out. Pure: no clock, no network, no database, no async.

use std::borrow::Cow;
use domain::{Tool, audit::Code};
use serde::Serialize;

/// A valid document. Only [`Policy::parse`] makes one, so nobody can store or publish a document that was not understood.
#[derive(Debug, Clone)]
pub struct Policy { text: Box<str> }
impl Policy {
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> { todo!() }
    /// The document as its author wrote it.
    pub fn text(&self) -> &str { &self.text }
    /// The same document in one fixed spelling: RFC 8785 order and escaping, numbers as written.
    pub fn canonical(&self) -> String { todo!() }
}

/// One thing that is wrong, at its place in the author's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault { pub pointer: String, pub line: u32, pub column: u32, pub code: &'static str, pub detail: String, #[serde(skip_serializing_if = "Option::is_none")] pub got: Option<String>, #[serde(skip_serializing_if = "Option::is_none")] pub hint: Option<String> }

/// Everything that is wrong, and everything that is odd.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report { pub valid: bool, pub faults: Vec<Fault>, pub warnings: Vec<Fault> }
/// Checks a document whole; with an inventory, rules for tools that the server does not have are warnings.
pub fn check(text: &str, inventory: Option<&[Tool]>) -> Report { todo!() }

/// A policy compiled against one server's inventory: one look-up per call.
#[derive(Debug)]
pub struct Engine {}
impl Engine {
    pub fn compile(policy: &Policy, inventory: Option<&[Tool]>) -> Self { todo!() }
    /// Whether `tools/list` shows the tool: neither hidden nor unknown nor left to a default of deny.
    pub fn shows(&self, tool: &str) -> bool { todo!() }
    /// Whether the document's `default` is allow.
    pub fn allows_by_default(&self) -> bool { todo!() }
    pub fn judge<'e>(&'e self, call: &Call<'_>) -> Verdict<'e> { todo!() }
}

/// One call to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> { pub tool: &'a str, /** None where the call has no `arguments`. */ pub arguments: Option<json::Value<'a>>, pub grant: GrantFacts<'a>, pub now_unix_ms: u64 }
#[derive(Debug, Clone, Copy)]
pub struct GrantFacts<'a> { pub label: &'a str, pub identity: Option<&'a str>, pub labels: &'a [(String, String)] }

#[derive(Debug, Clone)]
pub enum Verdict<'e> {
    Refuse(Refusal<'e>),
    /// Let through if these limits all have tokens; at once where there are none.
    Charge(Cow<'e, [Limit]>),
}
#[derive(Debug, Clone)]
pub struct Refusal<'e> { pub code: Code, pub rule: Option<Cow<'e, str>>, pub message: Cow<'e, str> }

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit { pub counter: String, pub rule: String, pub window_ms: u64, pub max: u64, pub scope: LimitScope, pub refill: Refill, pub on_deny: Option<String> }
impl Limit {
    /// The refusal when the bucket has no token; `retry_after_ms` is none where waiting never helps.
    pub fn refusal(&self, tool: &str, retry_after_ms: Option<u64>) -> Refusal<'_> { todo!() }
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitScope { Grant, Server, Org, Session, Identity }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refill { Sliding, Steady, Calendar }
