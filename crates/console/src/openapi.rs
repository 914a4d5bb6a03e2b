//! The OpenAPI document.

pub(crate) fn text() -> String {
    String::new()
}
