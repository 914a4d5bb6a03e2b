//! Entity tags, by which an edit says what it was made on top of.
//!
//! Source: RFC 9110, sections 8.8.3 and 13.1.1.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
    },
};

use super::problem::ApiError;
use crate::{actions::ActionError, state::Console};

/// The revision that `If-Match` names; none where there is no such header, or it is `*`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IfMatch(pub Option<i32>);

impl FromRequestParts<Console> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, ApiError> {
        let mut given = parts.headers.get_all(header::IF_MATCH).iter();
        match (given.next(), given.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) => value
                .to_str()
                .map_err(|_| ApiError::IfMatch)
                .and_then(parse),
            (Some(_), Some(_)) => Err(ApiError::IfMatch),
        }
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "The `ETag` of what was read; another revision is answered 412.",
            ))
            .schema(Some(
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .examples(["\"r3\""]),
            ));
        vec![parameter.build()]
    }
}

fn parse(text: &str) -> Result<IfMatch, ApiError> {
    if text == "*" {
        return Ok(IfMatch(None));
    }
    let (weak, tag) = match text.strip_prefix("W/") {
        Some(tag) => (true, tag),
        None => (false, text),
    };
    let opaque = tag
        .strip_prefix('"')
        .and_then(|tag| tag.strip_suffix('"'))
        .filter(|opaque| opaque.bytes().all(|b| b.is_ascii_graphic() && b != b'"'))
        .ok_or(ApiError::IfMatch)?;
    let revision = opaque
        .strip_prefix('r')
        .filter(|digits| !digits.starts_with(['+', '-']))
        .and_then(|digits| digits.parse().ok());
    match revision {
        // If-Match compares strongly, so a weak tag never matches; neither does one not ours.
        Some(revision) if !weak => Ok(IfMatch(Some(revision))),
        _ => Err(ActionError::Stale.into()),
    }
}

/// An answer whose body is what stands at `revision`.
pub(crate) fn tagged(revision: i32, body: impl Serialize) -> Response {
    ([(header::ETAG, etag(revision))], Json(body)).into_response()
}

/// The answer to a `POST` that made something: 201 with its address below `/api/v1`.
pub(crate) fn created(path: &str, revision: Option<i32>, body: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&format!("{}{path}", super::BASE)) {
        headers.insert(header::LOCATION, location);
    }
    if let Some(revision) = revision {
        headers.insert(header::ETAG, etag(revision));
    }
    response
}

fn etag(revision: i32) -> HeaderValue {
    HeaderValue::from_str(&format!("\"r{revision}\"")).expect("digits and quotes are visible")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_entity_tag_is_an_if_match() {
        assert!(matches!(parse("\"r7\""), Ok(IfMatch(Some(7)))));
        assert!(matches!(parse("*"), Ok(IfMatch(None))));
        for never in [
            "W/\"r7\"",
            "\"7\"",
            "\"r\"",
            "\"r+7\"",
            "\"rx\"",
            "\"\"",
            "\"r99999999999\"",
        ] {
            let answer = parse(never);
            assert!(
                matches!(answer, Err(ApiError::Action(ActionError::Stale))),
                "{never}"
            );
        }
        for bad in [
            "",
            "r7",
            "\"r7",
            "r7\"",
            "\"r1\", \"r2\"",
            "\"r 7\"",
            "\"",
            "W/r7",
            "**",
        ] {
            assert!(matches!(parse(bad), Err(ApiError::IfMatch)), "{bad}");
        }
    }
}
