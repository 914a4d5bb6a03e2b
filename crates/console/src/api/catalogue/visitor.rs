//! Whoever reads the catalogue: throttled by address, and told where nothing has changed.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::super::problem::ApiError;
use crate::{session::Address, state::Console, throttle::neighbourhood};

/// How long answers may be kept. The catalogue changes when the operator loads it.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Somebody without a key, who has not asked too often.
pub(super) struct Visitor {
    /// `If-None-Match`, as it came.
    has: Option<HeaderValue>,
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, ApiError> {
        let Ok(Address(address)) = Address::from_request_parts(parts, console).await;
        if let Some(address) = address {
            console.readers.take(neighbourhood(address))?;
        }
        Ok(Self {
            has: parts.headers.get(header::IF_NONE_MATCH).cloned(),
        })
    }
}

/// What the catalogue holds now, as an entity tag. The same address answers the same for one tag.
pub(super) struct Edition(HeaderValue);

impl Visitor {
    /// The answer that nothing has changed, or else the edition that an answer is of.
    ///
    /// # Errors
    /// Postgres failed.
    pub(super) async fn ask(
        &self,
        console: &Console,
    ) -> Result<Result<Response, Edition>, ApiError> {
        let totals = store::catalogue::totals(&console.db).await?;
        Ok(self.compare(console, &totals.revision.to_string()))
    }

    /// The same for what changes with a release only.
    pub(super) fn ask_release(&self, console: &Console) -> Result<Response, Edition> {
        self.compare(console, "release")
    }

    fn compare(&self, console: &Console, revision: &str) -> Result<Response, Edition> {
        let tag = format!("W/\"{revision}-{}\"", console.settings.version);
        // A version that is no header value cannot be compared, so everything is sent anew.
        let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("W/\"\""));
        let had = self.has.as_ref().and_then(|has| has.to_str().ok());
        let same = had.is_some_and(|had| {
            let mut tags = had.split(',').map(str::trim);
            tags.any(|had| had.as_bytes() == tag.as_bytes())
        });
        match same {
            true => Ok((StatusCode::NOT_MODIFIED, headers(tag)).into_response()),
            false => Err(Edition(tag)),
        }
    }
}

impl Edition {
    pub(super) fn answer(self, body: impl Serialize) -> Response {
        (headers(self.0), Json(body)).into_response()
    }
}

fn headers(tag: HeaderValue) -> [(header::HeaderName, HeaderValue); 2] {
    [(header::ETAG, tag), (header::CACHE_CONTROL, CACHE)]
}
