//! Ids in paths, and queries behind them.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use serde::de::DeserializeOwned;

use super::PageError;
use crate::state::Console;

/// The one id in a page's path. What does not parse is not found, like what does not exist.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr + Send> FromRequestParts<Console> for Id<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let Path(text) = Path::<String>::from_request_parts(parts, console)
            .await
            .map_err(|_| PageError::NotFound)?;
        text.parse().map(Self).map_err(|_| PageError::NotFound)
    }
}

/// The query of a page. One that does not parse leads nowhere, in the same words as any wrong
/// address.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Console> for Query<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, PageError> {
        let text = parts.uri.query().unwrap_or_default();
        serde_urlencoded::from_str(text)
            .map(Self)
            .map_err(|_| PageError::NotFound)
    }
}
