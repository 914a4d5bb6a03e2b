//! Ids in paths.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;

use super::problem::ApiError;
use crate::state::Console;

/// What a path names. A text that is no id of the right kind names nothing, so it is answered as
/// an unknown id is.
pub(crate) struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Console> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, ApiError> {
        axum::extract::Path::from_request_parts(parts, console)
            .await
            .map(|axum::extract::Path(named)| Self(named))
            .map_err(|_| ApiError::NotFound)
    }
}
