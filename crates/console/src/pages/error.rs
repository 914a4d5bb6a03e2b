//! What a page answers when it cannot do what was asked.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::Capability;
use store::StoreError;

use crate::{actions::ActionError, passwords::Busy};

/// Why there is no page. One `match` below turns each into its answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// No such thing in this organisation, or nowhere.
    #[error("There is nothing here")]
    NotFound,
    /// The role does not have the capability.
    #[error("Your role cannot {}", .0.sentence())]
    Forbidden(Capability),
    /// Nobody is signed in; `back` is where they wanted to go.
    #[error("Sign in first")]
    SignIn {
        /// Path and query of a page that can be shown afterwards.
        back: Option<String>,
    },
    /// Signed in, and in no organisation yet; `back` is where they wanted to go.
    #[error("Make an organisation first")]
    Welcome {
        /// Path and query of a page that can be shown afterwards.
        back: Option<String>,
    },
    /// The form is not one that a page of ours made for this session.
    #[error("This form is too old")]
    FormRefused,
    /// Fields are missing or unreadable, which no page of ours sends.
    #[error("This form cannot be read")]
    BadForm,
    /// More than a form can hold.
    #[error("This form is too large")]
    TooLarge,
    /// It did not arrive in time.
    #[error("This form took too long to arrive")]
    TooSlow,
    /// More people sign in at once than can be checked.
    #[error("Too many people are signing in just now")]
    Busy,
    /// The present state does not allow it, and there is no form to say so in.
    #[error("That was not done")]
    Conflict(String),
    /// Postgres is away.
    #[error("The database cannot be reached")]
    Unavailable,
    /// A mistake of ours.
    #[error("Something went wrong on our side")]
    Broken,
}

impl PageError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden(_) | Self::FormRefused => StatusCode::FORBIDDEN,
            Self::SignIn { .. } | Self::Welcome { .. } => StatusCode::SEE_OTHER,
            Self::BadForm => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Busy | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What to do now.
    fn advice(&self) -> String {
        match self {
            Self::NotFound => {
                "The address is wrong, or what was here is gone, or it is in another organisation."
            }
            Self::Forbidden(_) => "An owner or admin of the organisation can do it, or change your role.",
            Self::SignIn { .. } | Self::Welcome { .. } => "",
            Self::FormRefused => {
                "It was opened before you signed in, or in another session, or it came from another \
                 site. Nothing was changed. Go back, reload the page and send it again."
            }
            Self::BadForm => "A field is missing. Nothing was changed. Go back and reload the page.",
            Self::TooLarge => "A policy may be 256 KiB long. Nothing was changed.",
            Self::TooSlow => "Nothing was changed. Go back and send it again.",
            Self::Busy => "Nothing was changed. Try again in a moment.",
            Self::Conflict(why) => return format!("{}. Nothing was changed.", why.trim_end_matches('.')),
            Self::Unavailable => {
                "Nothing was changed. Calls of agents are decided all the same. Try again in a moment."
            }
            Self::Broken => "It has been logged. Whether your change was made can be seen on its page.",
        }
        .to_owned()
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: site::Frame,
    status: u16,
    advice: String,
}

/// A page to go to first, which leads on to where someone wanted to go.
fn asked_back(page: &str, back: Option<&str>) -> Response {
    let next = back.map(|back| serde_urlencoded::to_string([("next", back)]).unwrap_or_default());
    let query = next.map(|next| format!("?{next}")).unwrap_or_default();
    Redirect::to(&format!("{page}{query}")).into_response()
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match &self {
            Self::SignIn { back } => return asked_back("/sign-in", back.as_deref()),
            Self::Welcome { back } => return asked_back("/welcome", back.as_deref()),
            _ => {}
        }
        let status = self.status();
        let page = ErrorPage {
            frame: site::Frame::unlisted(false).titled(self.to_string()),
            status: status.as_u16(),
            advice: self.advice(),
        };
        (status, super::Html(page)).into_response()
    }
}

impl From<Busy> for PageError {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        ActionError::from(error).into()
    }
}

impl From<ActionError> for PageError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::NotFound => Self::NotFound,
            ActionError::Forbidden(capability) => Self::Forbidden(capability),
            ActionError::Stale => Self::Conflict(
                "Someone else changed it in the meantime; look at it again first".into(),
            ),
            ActionError::Conflict(why) => Self::Conflict(why),
            ActionError::Upstream(why) => Self::Conflict(why),
            ActionError::Fields(_)
            | ActionError::NotForKeys(_)
            | ActionError::Policy(_)
            | ActionError::Throttled { .. } => Self::Conflict(error.to_string()),
            ActionError::Unavailable(source) => {
                tracing::error!(
                    error = &source as &dyn std::error::Error,
                    "a page could not reach Postgres"
                );
                Self::Unavailable
            }
            ActionError::Broken(source) => {
                tracing::error!(
                    error = &*source as &dyn std::error::Error,
                    "a stored value cannot be read"
                );
                Self::Broken
            }
        }
    }
}
