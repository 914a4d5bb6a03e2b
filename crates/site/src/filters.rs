//! How values are written on public pages. Every text that someone outside wrote goes through
//! [`seen`], in Markdown through [`quoted`].

#![expect(
    unreachable_pub,
    reason = "the filters' macro writes `pub` for what is private here"
)]

use std::fmt::Display;

use askama::{Values, filters::Safe};

use crate::text;

/// Text of someone outside: escaped, and what would hide is marked.
#[askama::filter_fn]
pub(crate) fn seen<T: Display>(value: T, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(text::marked(&value.to_string())))
}

/// A tool's name: as text of someone outside, and it may break after its joints.
#[askama::filter_fn]
pub(crate) fn named<T: Display>(value: T, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(text::breaking(&value.to_string())))
}

/// Text of someone outside in Markdown: a code span.
#[askama::filter_fn]
pub(crate) fn quoted<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(text::code_span(&value.to_string()))
}

/// Words of ours in Markdown, into which a name of someone outside may have been put.
#[askama::filter_fn]
pub(crate) fn words<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(text::markdown(&value.to_string()))
}

/// JSON in Markdown: a code block.
#[askama::filter_fn]
pub(crate) fn json_block<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(text::code_block("json", &value.to_string()))
}

/// The first `n` characters, with an ellipsis where there were more.
#[askama::filter_fn]
pub(crate) fn cut<T: Display>(value: T, _: &dyn Values, n: usize) -> askama::Result<String> {
    let text = value.to_string();
    Ok(match text.char_indices().nth(n) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text,
    })
}

/// A whole number in groups: 12,345.
#[askama::filter_fn]
pub(crate) fn count<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(text::grouped(&value.to_string()))
}

/// The Markdown twin of a search: the same query at `/catalog.md`.
#[askama::filter_fn]
pub(crate) fn twin_of<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(value.to_string().replacen("/catalog", "/catalog.md", 1))
}

/// The Markdown twin of a page of a list: `path?page=2` becomes `path.md?page=2`.
#[askama::filter_fn]
pub(crate) fn page_twin<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(value.to_string().replacen("?page=", ".md?page=", 1))
}

/// A command in Markdown: a code block.
#[askama::filter_fn]
pub(crate) fn shell_block<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(text::code_block("sh", &value.to_string()))
}

/// Text of someone outside in Markdown: a code block.
#[askama::filter_fn]
pub(crate) fn text_block<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(text::code_block("text", &value.to_string()))
}

/// The path of an argument in Markdown, as policies have it.
#[askama::filter_fn]
pub(crate) fn argument<T: Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(text::code_span(&format!("args.{value}")))
}
