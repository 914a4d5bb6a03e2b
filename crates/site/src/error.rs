//! What a public page answers when it cannot be shown.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use store::StoreError;

use crate::{Frame, Html};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// No such page, server, tool or attack.
    #[error("There is nothing here")]
    NotFound,
    /// The address holds something that no link of ours does.
    #[error("This address cannot be read")]
    BadQuery,
    /// More is asked at once than is worked on.
    #[error("Too many people are trying it just now")]
    Busy,
    /// Postgres is away.
    #[error("The catalogue cannot be reached")]
    Unavailable,
}

impl SiteError {
    fn answer(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "The address is wrong, or what was here is gone.",
            ),
            Self::BadQuery => (
                StatusCode::BAD_REQUEST,
                "A filter has a value that it cannot have. Begin again from the catalogue.",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Load the page again in a moment.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Calls of agents are decided all the same. Try again in a moment.",
            ),
        }
    }
}

#[derive(Template)]
#[template(path = "site_error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    advice: &'static str,
}

impl IntoResponse for SiteError {
    fn into_response(self) -> Response {
        let (status, advice) = self.answer();
        let page = ErrorPage {
            frame: Frame::unlisted(false).titled(self.to_string()),
            status: status.as_u16(),
            advice,
        };
        (status, Html(page)).into_response()
    }
}

impl From<StoreError> for SiteError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::NotFound) {
            return Self::NotFound;
        }
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a public page failed"
        );
        Self::Unavailable
    }
}
