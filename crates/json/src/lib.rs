//! A strict JSON reader that keeps every byte where it lies.
//!
//! The gateway judges a body and then forwards those very bytes, so what it reads must be what any
//! other parser would read: duplicate keys, lone surrogates, byte-order marks and trailing data are
//! errors, numbers stay text, and every value knows its place in the input.
//!
//! Source: RFC 8259, read as I-JSON (RFC 7493) where that is stricter.

mod canonical;
mod decimal;
mod duplicates;
mod fault;
mod parse;
mod position;
mod string;
mod value;

pub use canonical::quote;
pub use decimal::{Decimal, TooLarge};
pub use fault::{Fault, FaultKind};
pub use parse::{Bounds, Document};
pub use position::{Position, position, positions};
pub use value::{Kind, Value};
