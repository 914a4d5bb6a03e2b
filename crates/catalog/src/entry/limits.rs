//! How much a line may say.

pub(super) const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;
pub(super) const TOOLS_MAX: usize = 10_000;
pub(super) const ARGS_MAX: usize = 500;
pub(super) const LIST_MAX: usize = 100;
pub(super) const TEXT_CHARS_MAX: usize = 500;
pub(super) const TOOL_NAME_CHARS_MAX: usize = 200;
/// As much of somebody else's text as a page shows.
pub(super) const DESCRIPTION_CHARS_MAX: usize = 200;
pub(super) const NUMBER_MAX: u32 = 1_000_000;
