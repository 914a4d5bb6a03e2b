//! A rendered template.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::SiteError;

/// A page made of its template.
pub struct Html<T>(pub T);

impl<T: Template> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(text) => {
                ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a template failed"
                );
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Something went wrong on our side.",
                )
                    .into_response()
            }
        }
    }
}

/// A page's Markdown twin, as it changes with a release or a load of the catalogue.
pub(crate) fn markdown(page: &impl Template) -> Result<Response, SiteError> {
    let text = page.render().map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a template failed"
        );
        SiteError::Unavailable
    })?;
    Ok(twin(text))
}

/// Markdown that is there already.
pub(crate) fn twin(text: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/markdown; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, text.into()).into_response()
}
