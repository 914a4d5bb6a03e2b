//! A tool's `inputSchema`, as far as a policy asks for it.

use domain::Tool;

/// A schema that arguments can be checked against.
#[derive(Debug)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn of(_tool: &Tool) -> Self {
        Self {}
    }
}
