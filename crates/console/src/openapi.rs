//! The OpenAPI 3.1 document: collected from the handlers, with what all of them share added here.

mod finish;
mod page;

use axum::{
    Router,
    extract::State,
    http::{Method, header},
    routing::get,
};
use utoipa::openapi::{OpenApi, path::Operation};

use crate::{api, pages::Html, state::Console};

/// `/openapi.json` for programs and `/docs/api` for people.
pub(crate) fn router() -> Router<Console> {
    // The document is the same for the life of the process.
    let text: &'static str = text().leak();
    let answer = async move || ([(header::CONTENT_TYPE, "application/json")], text);
    let docs = async |State(console): State<Console>| {
        Html(page::ApiDocs::of(&document(), &console.settings.site()))
    };
    Router::new()
        .route("/openapi.json", get(answer))
        .route("/docs/api", get(docs))
}

/// The document as it is served and committed: pretty-printed, with a line end behind it.
pub(crate) fn text() -> String {
    let mut text = document()
        .to_pretty_json()
        .expect("the document is plain data");
    text.push('\n');
    text
}

/// The document, finished.
pub(crate) fn document() -> OpenApi {
    let (_, mut document) = api::operations().split_for_parts();
    finish::finish(&mut document);
    document
}

/// Every operation, as (method, path, operation).
pub(crate) fn operations_of(
    document: &OpenApi,
) -> impl Iterator<Item = (Method, &str, &Operation)> {
    document.paths.paths.iter().flat_map(|(path, item)| {
        [
            (Method::GET, &item.get),
            (Method::POST, &item.post),
            (Method::PATCH, &item.patch),
            (Method::PUT, &item.put),
            (Method::DELETE, &item.delete),
        ]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, path.as_str(), operation.as_ref()?)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Written anew by `tollgate openapi > docs/openapi.json`, or by this test with
    /// `TOLLGATE_WRITE_OPENAPI=1`.
    #[test]
    fn the_committed_document_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        if std::env::var_os("TOLLGATE_WRITE_OPENAPI").is_some() {
            std::fs::write(path, text()).expect("docs can be written");
        }
        let committed = std::fs::read_to_string(path).expect("docs/openapi.json is committed");
        assert!(
            committed == text(),
            "docs/openapi.json is not what the handlers say"
        );
    }

    #[test]
    fn every_operation_is_described_secured_and_shown_by_example() {
        let document: Value = serde_json::from_str(&text()).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0");
        let mut ids = Vec::new();
        for (method, path, operation) in operations_of(&super::document()) {
            let name = format!("{method} {path}");
            let has = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
            assert!(
                has(&operation.summary) && has(&operation.description),
                "{name}"
            );
            ids.push(operation.operation_id.clone().expect("an id"));
            let json = &document["paths"][path][method.as_str().to_ascii_lowercase()];
            let public = path.starts_with("/api/v1/catalog/");
            let security = json["security"].as_array().map(Vec::len);
            assert_eq!(security, Some(usize::from(!public)), "{name}");
            let responses = json["responses"].as_object().expect("responses");
            assert!(responses.contains_key("default"), "{name}");
            assert!(public || responses.contains_key("401"), "{name}");
            assert_eq!(path.contains('{'), responses.contains_key("404"), "{name}");
            if let Some(body) = json.get("requestBody") {
                assert!(
                    !body["content"]["application/json"]["example"].is_null(),
                    "{name}"
                );
            }
            for (status, response) in responses {
                let content = response["content"].as_object();
                for (media, content) in content.into_iter().flatten() {
                    assert!(!content["example"].is_null(), "{name} {status} {media}");
                }
            }
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "operation ids are unique");
        assert!(count >= 30, "{count} operations");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, root: &Value) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(at)) = map.get("$ref") {
                        let pointer = at.strip_prefix('#').expect("a local reference");
                        assert!(root.pointer(pointer).is_some(), "{at}");
                    }
                    map.values().for_each(|value| walk(value, root));
                }
                Value::Array(list) => list.iter().for_each(|value| walk(value, root)),
                _ => {}
            }
        }
        let document: Value = serde_json::from_str(&text()).expect("JSON");
        walk(&document, &document);
    }
}
