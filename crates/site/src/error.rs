//! What a public page answers when it cannot be shown.

use std::borrow::Cow;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
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
    /// One address asks for more than leaves enough for others.
    #[error("Too much was asked from your address")]
    TooOften {
        /// When to ask again.
        retry_after_s: u32,
    },
    /// Postgres is away.
    #[error("The catalogue cannot be reached")]
    Unavailable,
}

impl SiteError {
    fn answer(&self) -> (StatusCode, Cow<'static, str>) {
        let (status, advice) = match self {
            Self::TooOften { retry_after_s } => {
                let advice = format!("Try again in {retry_after_s} s.");
                return (StatusCode::TOO_MANY_REQUESTS, advice.into());
            }
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
        };
        (status, advice.into())
    }

    /// The same for a script that shows it in a page.
    pub(crate) fn into_fragment(self) -> Response {
        let (status, advice) = self.answer();
        let fragment = Html(ErrorFragment {
            sentence: format!("{self}. {advice}"),
        });
        self.with_wait((status, fragment).into_response())
    }

    fn with_wait(&self, mut response: Response) -> Response {
        if let Self::TooOften { retry_after_s } = self {
            let wait = HeaderValue::from(*retry_after_s);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}

#[derive(Template)]
#[template(path = "site_error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    advice: Cow<'static, str>,
}

#[derive(Template)]
#[template(source = "<p class=\"fault\">{{ sentence }}</p>\n", ext = "html")]
struct ErrorFragment {
    sentence: String,
}

impl IntoResponse for SiteError {
    fn into_response(self) -> Response {
        let (status, advice) = self.answer();
        let page = ErrorPage {
            frame: Frame::unlisted(false).titled(self.to_string()),
            status: status.as_u16(),
            advice,
        };
        self.with_wait((status, Html(page)).into_response())
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
