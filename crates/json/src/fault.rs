//! Why a text is not the JSON that is wanted.

use std::fmt;

/// Why a text is not the JSON that is wanted, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The first byte that is wrong, from 0; the length of the text where it ends too early.
    pub offset: usize,
}

/// What can be wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// More bytes than [`crate::Bounds::bytes_max`].
    TooLong,
    /// More open arrays and objects than [`crate::Bounds::depth_max`].
    TooDeep,
    /// Not UTF-8 (RFC 3629): overlong forms, encoded surrogates or stray bytes.
    NotUtf8,
    /// A byte-order mark at the start, which RFC 8259, section 8.1, forbids writers to add.
    ByteOrderMark,
    /// The text ends inside a value.
    UnexpectedEnd,
    /// A byte that cannot stand where it stands.
    UnexpectedByte,
    /// Something like a number that JSON's grammar does not have, such as `01`, `+1` or `1.`.
    BadNumber,
    /// A backslash followed by what is no escape.
    BadEscape,
    /// An escaped UTF-16 surrogate without its other half: parsers disagree on what it means.
    LoneSurrogate,
    /// A raw control character inside a string.
    ControlCharacter,
    /// A key that its object has already, compared decoded: parsers disagree on which one counts.
    DuplicateKey,
    /// Something after the value.
    TrailingData,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the text is too long",
            Self::TooDeep => "arrays and objects are nested too deep",
            Self::NotUtf8 => "the text is not UTF-8",
            Self::ByteOrderMark => "the text begins with a byte-order mark",
            Self::UnexpectedEnd => "the text ends inside a value",
            Self::UnexpectedByte => "unexpected character",
            Self::BadNumber => "not a JSON number",
            Self::BadEscape => "not a JSON escape",
            Self::LoneSurrogate => "half of a surrogate pair",
            Self::ControlCharacter => "a control character inside a string must be escaped",
            Self::DuplicateKey => "the object has this key already",
            Self::TrailingData => "there is more after the value",
        })
    }
}
