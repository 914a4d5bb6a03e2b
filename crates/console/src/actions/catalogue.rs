//! What the public catalogue says of a server and its tools.

use domain::{Tool, ToolClass};

/// Whether the catalogue has the server.
pub(crate) fn server(_slug: &str) -> Option<()> {
    Some(())
}

/// The class that the catalogue, or the tool's own words, give it.
pub(crate) fn class_of(_slug: Option<&str>, _tool: &Tool) -> Option<ToolClass> {
    None
}
