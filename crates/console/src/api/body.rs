//! Request bodies: strict JSON, and nothing that was not asked for.

use std::time::Duration;

use axum::{
    body::{Body as Bytes, BodyDataStream},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use futures_util::StreamExt;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{fault::locate, problem::ApiError};
use crate::{actions::ActionError, state::Console};

/// The largest body that is read: 1 MiB.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// The deepest nesting: a policy's 32 and its envelope, with room.
pub(crate) const DEPTH_MAX: u16 = 64;

/// A body that parsed into `T`.
///
/// It is read by the strict reader first (RFC 7493: no duplicate keys, no lone surrogates, nothing
/// behind the value), because what one parser skips another may believe.
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Console> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Console) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body).await?;
        if !is_json(&parts.headers) {
            return Err(ApiError::MediaType);
        }
        parse(&bytes).map(Self)
    }
}

/// A body that may be left out, which means the same as `{}`.
pub(crate) struct MaybeBody<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<Console> for MaybeBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Console) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json(&parts.headers) {
            return Err(ApiError::MediaType);
        }
        parse(&bytes).map(Self)
    }
}

/// The body of a `POST` that takes no fields: nothing, or `{}`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFields {}

async fn read(headers: &HeaderMap, body: Bytes) -> Result<Vec<u8>, ApiError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(ApiError::BodyTooLarge);
    }
    match tokio::time::timeout(BODY_TIMEOUT, collect(body.into_data_stream())).await {
        Ok(bytes) => bytes,
        Err(_) => Err(ApiError::BodyTooSlow),
    }
}

async fn collect(mut stream: BodyDataStream) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| ApiError::BodyBroken)?;
        if bytes.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(ApiError::BodyTooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// `application/json`, with no other parameter than `charset=utf-8`.
fn is_json(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return false;
    };
    let Ok(value) = value.to_str() else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    parts
        .next()
        .is_some_and(|media| media.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| {
            parameter.eq_ignore_ascii_case("charset=utf-8")
                || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
        })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let bounds = json::Bounds {
        bytes_max: BODY_BYTES_MAX,
        depth_max: DEPTH_MAX,
    };
    let document = json::Document::parse(bytes, bounds).map_err(|fault| malformed(bytes, fault))?;
    if document.root().kind() != json::Kind::Object {
        return Err(ApiError::field("", "must be an object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| ActionError::Fields(vec![locate(&error)]).into())
}

fn malformed(bytes: &[u8], fault: json::Fault) -> ApiError {
    let place = match std::str::from_utf8(bytes) {
        Ok(text) => {
            let at = json::position(text, fault.offset);
            format!("line {}, column {}", at.line, at.column)
        }
        Err(_) => format!("byte {}", fault.offset),
    };
    ApiError::Malformed(format!("{} at {place}", fault.kind))
}

/// For a field that an edit may leave out, but not set to null.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A JSON value exactly as its author wrote it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Verbatim(Box<RawValue>);

impl Verbatim {
    pub(crate) fn text(&self) -> &str {
        self.0.get()
    }
}

/// A policy document: an object, kept byte for byte, or a string that holds its text.
#[derive(Debug)]
pub(crate) struct DocumentText(String);

impl DocumentText {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for DocumentText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('"') {
            serde_json::from_str(raw.get())
                .map(Self)
                .map_err(serde::de::Error::custom)
        } else {
            Ok(Self(raw.get().to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_json_is_json() {
        let with = |text: &str| {
            let value = HeaderValue::from_str(text).expect("a header");
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, value)]))
        };
        for good in ["application/json", "Application/JSON; charset=UTF-8"] {
            assert!(with(good), "{good}");
        }
        for bad in [
            "",
            "text/json",
            "application/problem+json",
            "application/json; charset=utf-16",
            "application/json, text/plain",
            "application/jsonx",
            "application/json;boundary=x",
        ] {
            assert!(!with(bad), "{bad}");
        }
        assert!(!is_json(&HeaderMap::new()));
        let twice = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::new();
        headers.append(header::CONTENT_TYPE, twice.clone());
        headers.append(header::CONTENT_TYPE, twice);
        assert!(!is_json(&headers));
    }
}
