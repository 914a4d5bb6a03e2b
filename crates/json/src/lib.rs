//! A strict JSON reader that keeps every byte where it lies.
//!
//! The gateway judges a body and then forwards those very bytes, so what it reads must be what any
//! other parser would read: duplicate keys, lone surrogates, byte-order marks and trailing data are
//! errors, numbers stay text, and every value knows its place in the input.
//!
//! Source: RFC 8259, read as I-JSON (RFC 7493) where that is stricter.
//!
//! ```
//! use json::{Bounds, Document, FaultKind};
//!
//! let bounds = Bounds { bytes_max: 1024, depth_max: 64 };
//! let body = Document::parse(br#"{ "id": 1.50, "name": "a\u0062" }"#, bounds).expect("strict JSON");
//! let id = body.root().get("id").expect("a member");
//! assert_eq!(id.as_number(), Some("1.50"), "as it was written");
//! assert_eq!(body.root().get("name").and_then(|name| name.as_str()).as_deref(), Some("ab"));
//!
//! // Two parsers may disagree on which of these counts, so neither does.
//! let twice = Document::parse(br#"{ "a": 1, "\u0061": 2 }"#, bounds).expect_err("refused");
//! assert_eq!(twice.kind, FaultKind::DuplicateKey);
//! ```

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
