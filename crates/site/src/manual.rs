//! The manual of the policy language, for whoever comes by: the reference, a page for each fault
//! and warning, and the JSON Schema. Built into the binary, the same for everyone, without signing
//! in.

mod markdown;

use std::sync::LazyLock;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};

use crate::{Frame, Html, SiteError, routes::Routes, state::Site};

/// How long browsers may keep what changes with a release only.
const CACHE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=3600");

const LANGUAGE: &str = include_str!("../../../docs/policy.md");
const FAULTS: &str = include_str!("../../../docs/faults/README.md");

macro_rules! pages {
    ($($code:literal,)*) => {
        [$(($code, include_str!(concat!("../../../docs/faults/", $code, ".md"))),)*]
    };
}

/// The page of each code, in the order of the index.
const PAGES: [(&str, &str); 39] = pages! {
    "bad_json",
    "duplicate_key",
    "document_too_large",
    "too_deep",
    "unknown_field",
    "missing_field",
    "wrong_type",
    "bad_value",
    "out_of_range",
    "too_many",
    "empty_list",
    "text_too_long",
    "unsupported_version",
    "unknown_operator",
    "bad_path",
    "bad_regex",
    "regex_too_large",
    "bad_glob",
    "bad_cidr",
    "bad_host",
    "bad_counter",
    "counter_twice",
    "counter_disagrees",
    "action_allow_in_all_tools",
    "approval_twice",
    "test_failed",
    "unknown_tool",
    "glob_matches_nothing",
    "hidden_anyway",
    "compares_with_null",
    "nothing_required",
    "unanchored_pattern",
    "unknown_annotation",
    "reason_unused",
    "scope_not_safe",
    "class_bypassed",
    "limit_unbounded",
    "argument_unconstrained",
    "not_available",
};

/// Where the page of a fault or warning is served.
#[must_use]
pub fn url(code: &str) -> String {
    format!("/docs/faults/{code}")
}

/// The path of every page, for the sitemap.
pub(crate) fn pages() -> Vec<String> {
    let fixed = ["/docs/policy", "/docs/faults"].map(str::to_owned);
    let faults = PAGES.iter().map(|(code, _)| url(code));
    fixed.into_iter().chain(faults).collect()
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/docs/policy", async |State(site): State<Site>| {
            page(&site, "/docs/policy", LANGUAGE)
        })
        .get("/docs/faults", async |State(site): State<Site>| {
            page(&site, "/docs/faults", FAULTS)
        })
        .get("/docs/faults/{code}", fault)
        .get("/schemas/policy-1.json", schema)
}

async fn fault(State(site): State<Site>, Path(code): Path<String>) -> Result<Response, SiteError> {
    let found = PAGES.iter().find(|(known, _)| *known == code);
    let (_, text) = found.ok_or(SiteError::NotFound)?;
    Ok(page(&site, &url(&code), text))
}

/// A page of the manual.
#[derive(Template)]
#[template(path = "docs/page.html")]
struct ManualPage {
    frame: Frame,
    /// HTML of ours: made from our own text, and without any HTML that stood in it.
    body: String,
}

fn page(site: &Site, path: &str, text: &str) -> Response {
    let title = text.lines().next().unwrap_or_default();
    let title = title.trim_start_matches('#').replace('`', "");
    let page = ManualPage {
        frame: site.settings.frame(path).titled(title.trim()),
        body: markdown::html(text),
    };
    ([CACHE], Html(page)).into_response()
}

/// `GET /schemas/policy-1.json`, for editors.
async fn schema() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(policy::json_schema);
    let headers = [CACHE, (header::CONTENT_TYPE, "application/schema+json")];
    (headers, TEXT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new code without a page here would be a link to nowhere.
    #[test]
    fn every_code_has_its_page() {
        let pages: Vec<_> = PAGES.iter().map(|(code, _)| *code).collect();
        assert_eq!(pages, [policy::FAULT_CODES, policy::WARNING_CODES].concat());
    }
}
