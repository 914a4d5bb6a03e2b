//! Forms, read only after the guard.

use axum::{extract::FromRequest, extract::Request};
use serde::de::DeserializeOwned;

use super::guard::Passed;
use crate::{pages::PageError, state::Console};

/// The fields of a form that the guard has passed. There is no other way to read a form here.
///
/// Fields that a form does not have are left out, not refused: the token is one of them, and a
/// browser's extensions add theirs.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Console> for Form<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &Console) -> Result<Self, PageError> {
        let Passed(bytes) = request
            .extensions()
            .get::<Passed>()
            .ok_or(PageError::FormRefused)?;
        serde_urlencoded::from_bytes(bytes)
            .map(Self)
            .map_err(|_| PageError::BadForm)
    }
}
