//! `/docs/api`: the document as a page that people can read.

use askama::Template;
use serde_json::Value;
use utoipa::openapi::{
    Content, OpenApi, RefOr, Response,
    path::{Operation, Parameter, ParameterIn},
};

use super::operations_of;

/// What search results say of the page.
const ABOUT: &str =
    "Every operation of Tollgate's admin API, with its parameters, examples and refusals.";

/// The page.
#[derive(Template)]
#[template(path = "docs/api.html")]
pub(crate) struct ApiDocs {
    frame: site::Frame,
    about: Vec<String>,
    parts: Vec<Part>,
}

/// The operations of one tag.
struct Part {
    name: String,
    about: String,
    operations: Vec<OperationView>,
}

struct OperationView {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: String,
    parameters: Vec<ParameterView>,
    request: Option<String>,
    answers: Vec<AnswerView>,
    /// The statuses that are problems, in one line.
    refusals: String,
}

struct ParameterView {
    name: String,
    place: &'static str,
    about: String,
}

struct AnswerView {
    status: String,
    about: String,
    example: Option<String>,
}

impl ApiDocs {
    pub(crate) fn of(document: &OpenApi, settings: &site::Settings) -> Self {
        let about = document.info.description.as_deref().unwrap_or_default();
        let parts = document.tags.iter().flatten().map(|tag| {
            let tagged = |operation: &&Operation| {
                operation
                    .tags
                    .iter()
                    .flatten()
                    .any(|name| *name == tag.name)
            };
            Part {
                name: tag.name.clone(),
                about: tag.description.clone().unwrap_or_default(),
                operations: operations_of(document)
                    .filter(|(_, _, operation)| tagged(operation))
                    .map(|(method, path, operation)| {
                        OperationView::of(method.as_str(), path, operation)
                    })
                    .collect(),
            }
        });
        Self {
            frame: settings.frame("/docs/api").titled("Admin API").about(ABOUT),
            about: about.split("\n\n").map(str::to_owned).collect(),
            parts: parts.collect(),
        }
    }
}

impl OperationView {
    fn of(method: &str, path: &str, operation: &Operation) -> Self {
        let mut answers = Vec::new();
        let mut refusals = Vec::new();
        for (status, response) in &operation.responses.responses {
            match response {
                RefOr::T(response) if status.starts_with('2') => {
                    answers.push(AnswerView::of(status, response));
                }
                _ if status == "default" => {}
                _ => refusals.push(status.as_str()),
            }
        }
        let body = match &operation.request_body {
            Some(RefOr::T(body)) => body.content.values().find_map(example),
            _ => None,
        };
        Self {
            id: operation.operation_id.clone().unwrap_or_default(),
            method: method.to_owned(),
            path: path.to_owned(),
            summary: operation.summary.clone().unwrap_or_default(),
            about: operation.description.clone().unwrap_or_default(),
            parameters: operation
                .parameters
                .iter()
                .flatten()
                .filter_map(|parameter| match parameter {
                    RefOr::T(parameter) => Some(ParameterView::of(parameter)),
                    RefOr::Ref(_) => None,
                })
                .collect(),
            request: body,
            answers,
            refusals: refusals.join(", "),
        }
    }
}

impl ParameterView {
    fn of(parameter: &Parameter) -> Self {
        Self {
            name: parameter.name.clone(),
            place: match parameter.parameter_in {
                ParameterIn::Path => "path",
                ParameterIn::Header => "header",
                ParameterIn::Query => "query",
                _ => "other",
            },
            about: parameter.description.clone().unwrap_or_default(),
        }
    }
}

impl AnswerView {
    fn of(status: &str, response: &Response) -> Self {
        Self {
            status: status.to_owned(),
            about: response.description.clone(),
            example: response.content.values().find_map(example),
        }
    }
}

fn example(content: &RefOr<Content>) -> Option<String> {
    let RefOr::T(content) = content else {
        return None;
    };
    match content.example.as_ref()? {
        Value::String(text) => Some(text.clone()),
        value => serde_json::to_string_pretty(value).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_operation_and_no_markup_of_its_text() {
        let document = super::super::document();
        let settings = site::Settings {
            public_url: String::new(),
            sign_up_open: false,
            version: "0",
        };
        let page = ApiDocs::of(&document, &settings).render().expect("renders");
        for (_, path, operation) in operations_of(&document) {
            let id = operation.operation_id.as_deref().expect("an id");
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
            assert!(page.contains(path), "{path}");
        }
        assert!(
            page.contains("&quot;") || page.contains("&#34;"),
            "examples are escaped"
        );
    }
}
