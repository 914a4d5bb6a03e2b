//! The OpenAPI 3.1 document: collected from the handlers, with what all of them share added here.

use axum::{Router, http::header, routing::get};
use utoipa::openapi::{OpenApi, path::Operation};

use crate::{api, state::Console};

/// `/openapi.json`.
pub(crate) fn router() -> Router<Console> {
    // The document is the same for the life of the process.
    let text: &'static str = text().leak();
    let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], text) };
    Router::new().route("/openapi.json", get(answer))
}

/// The document as it is served and committed: pretty-printed, with a line end behind it.
pub(crate) fn text() -> String {
    let mut text = document().to_pretty_json().expect("the document is plain data");
    text.push('\n');
    text
}

fn document() -> OpenApi {
    let (_, document) = api::operations().split_for_parts();
    document
}

/// Every operation, as (method, path, operation).
pub(crate) fn operations_of(document: &OpenApi) -> impl Iterator<Item = (&str, &str, &Operation)> {
    document.paths.paths.iter().flat_map(|(path, item)| {
        [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PATCH", &item.patch),
            ("PUT", &item.put),
            ("DELETE", &item.delete),
        ]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, path.as_str(), operation.as_ref()?)))
    })
}
