//! A strict JSON reader that keeps every byte where it lies.
//!
//! The gateway judges a body and then forwards those very bytes, so what it reads must be what any
//! other parser would read: duplicate keys, lone surrogates, byte-order marks and trailing data are
//! errors, numbers stay text, and every value knows its place in the input.
//!
//! Source: RFC 8259, read as I-JSON (RFC 7493) where that is stricter.

use std::{borrow::Cow, ops::Range};

/// What a reader is willing to take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds { pub bytes_max: usize, pub depth_max: u16 }

/// Why a text is not the JSON that is wanted, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Fault { pub kind: FaultKind, pub offset: usize }

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind { TooLong, TooDeep, NotUtf8, ByteOrderMark, UnexpectedEnd, UnexpectedByte, BadNumber, BadEscape, LoneSurrogate, ControlCharacter, DuplicateKey, TrailingData }
impl std::fmt::Display for FaultKind { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { todo!() } }

/// A parsed text: one flat tape of nodes beside the borrowed input. Reusable via [`Document::parse_into`] if that proves worth it.
#[derive(Debug)]
pub struct Document<'a> { text: &'a str }

impl<'a> Document<'a> {
    pub fn parse(bytes: &'a [u8], bounds: Bounds) -> Result<Self, Fault> { todo!() }
    pub fn root(&self) -> Value<'_> { todo!() }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind { Null, Bool, Number, String, Array, Object }

/// One value inside a document. Copy, cheap.
#[derive(Debug, Clone, Copy)]
pub struct Value<'d> { doc: &'d str }

impl<'d> Value<'d> {
    pub fn kind(self) -> Kind { todo!() }
    /// The value's bytes exactly as they stand in the input.
    pub fn raw(self) -> &'d str { todo!() }
    pub fn span(self) -> Range<usize> { todo!() }
    /// The decoded string; borrowed where it has no escapes.
    pub fn as_str(self) -> Option<Cow<'d, str>> { todo!() }
    pub fn as_bool(self) -> Option<bool> { todo!() }
    /// A number's text as it was written.
    pub fn as_number(self) -> Option<&'d str> { todo!() }
    /// A member of an object by its decoded key.
    pub fn get(self, key: &str) -> Option<Value<'d>> { todo!() }
    /// Members in order, keys decoded. Empty for what is no object.
    pub fn members(self) -> impl Iterator<Item = (Cow<'d, str>, Value<'d>)> { std::iter::empty() }
    /// Elements in order. Empty for what is no array.
    pub fn elements(self) -> impl Iterator<Item = Value<'d>> { std::iter::empty() }
    /// How many members or elements there are.
    pub fn len(self) -> usize { todo!() }
}

/// Line and column, from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position { pub line: u32, pub column: u32 }
pub fn position(text: &str, offset: usize) -> Position { todo!() }
