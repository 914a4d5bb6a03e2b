//! Everything that can go wrong at the API's door, and the one form it is told in.
//!
//! Source: RFC 9457, "Problem Details for HTTP APIs".

use std::{any::Any, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::actions::{ActionError, FieldFault};

/// So many faults of a policy are listed; a document of 256 KiB can have tens of thousands.
pub(crate) const POLICY_FAULTS_MAX: usize = 200;

/// What a handler or an extractor could not do.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// What the action behind the handler said.
    Action(ActionError),
    /// No key, or none that is good now.
    Unauthenticated(&'static str),
    /// No such route, or an id that names nothing here.
    NotFound,
    /// The route is there, for other methods.
    MethodNotAllowed,
    /// The body is larger than [`super::body::BODY_BYTES_MAX`].
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The body broke off.
    BodyBroken,
    /// The body is not `application/json`.
    MediaType,
    /// The body is not JSON that everyone would read alike.
    Malformed(String),
    /// A query parameter that is unknown, repeated or of the wrong form.
    Query(Vec<FieldFault>),
    /// `If-Match` that is no entity tag.
    IfMatch,
    /// A handler died. The panic itself was logged by the hook.
    Panic,
}

impl From<ActionError> for ApiError {
    fn from(error: ActionError) -> Self {
        Self::Action(error)
    }
}

impl From<store::StoreError> for ApiError {
    fn from(error: store::StoreError) -> Self {
        Self::Action(error.into())
    }
}

impl ApiError {
    /// One field of the body at fault.
    pub(crate) fn field(pointer: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Action(ActionError::field(pointer, detail))
    }

    /// What the panic handler makes of a panic.
    pub(crate) fn from_panic(_panic: Box<dyn Any + Send>) -> Response {
        Self::Panic.into_response()
    }

    /// Status and code, by which programs tell one problem from another.
    const fn kind(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Unauthenticated(_) => (S::UNAUTHORIZED, "unauthenticated"),
            Self::NotFound | Self::Action(ActionError::NotFound) => (S::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyTooSlow => (S::REQUEST_TIMEOUT, "body_too_slow"),
            Self::BodyBroken => (S::BAD_REQUEST, "body_incomplete"),
            Self::MediaType => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::Malformed(_) => (S::BAD_REQUEST, "malformed_json"),
            Self::Query(_) => (S::BAD_REQUEST, "invalid_query"),
            Self::IfMatch => (S::BAD_REQUEST, "invalid_if_match"),
            Self::Panic | Self::Action(ActionError::Broken(_)) => {
                (S::INTERNAL_SERVER_ERROR, "internal")
            }
            Self::Action(ActionError::Fields(_)) => (S::UNPROCESSABLE_ENTITY, "invalid_fields"),
            Self::Action(ActionError::Forbidden(_) | ActionError::NotForKeys(_)) => {
                (S::FORBIDDEN, "forbidden")
            }
            Self::Action(ActionError::Stale) => (S::PRECONDITION_FAILED, "stale"),
            Self::Action(ActionError::Conflict(_)) => (S::CONFLICT, "conflict"),
            Self::Action(ActionError::Policy(_)) => (S::UNPROCESSABLE_ENTITY, "invalid_policy"),
            Self::Action(ActionError::Upstream(_)) => (S::BAD_GATEWAY, "upstream_failed"),
            Self::Action(ActionError::Throttled { .. }) => {
                (S::TOO_MANY_REQUESTS, "too_many_requests")
            }
            Self::Action(ActionError::Unavailable(_)) => (S::SERVICE_UNAVAILABLE, "unavailable"),
        }
    }

    /// The sentence for whoever asked.
    fn detail(&self) -> String {
        match self {
            Self::Unauthenticated(why) => (*why).into(),
            Self::NotFound | Self::Action(ActionError::NotFound) => {
                "There is nothing here by that name.".into()
            }
            Self::MethodNotAllowed => "This path does not take that method.".into(),
            Self::BodyTooLarge => {
                format!(
                    "The body is larger than {} bytes.",
                    super::body::BODY_BYTES_MAX
                )
            }
            Self::BodyTooSlow => "The body took too long to arrive.".into(),
            Self::BodyBroken => "The body broke off before its end.".into(),
            Self::MediaType => "The body must be application/json in UTF-8.".into(),
            Self::Malformed(detail) => format!("The body is not JSON: {detail}."),
            Self::Query(_) => "A query parameter cannot be taken as it is.".into(),
            Self::IfMatch => {
                "If-Match must be the one entity tag that was read, such as \"r3\", or *.".into()
            }
            Self::Panic | Self::Action(ActionError::Broken(_)) => {
                "Something went wrong here. It has been logged under this request id.".into()
            }
            Self::Action(ActionError::Fields(_)) => "A field cannot be taken as it is.".into(),
            Self::Action(ActionError::Policy(faults)) => {
                let said = "The policy is not valid; nothing was changed.";
                match faults.len() {
                    0..=POLICY_FAULTS_MAX => said.into(),
                    all => {
                        format!("{said} The first {POLICY_FAULTS_MAX} of {all} faults are listed.")
                    }
                }
            }
            Self::Action(
                error @ (ActionError::Forbidden(_)
                | ActionError::NotForKeys(_)
                | ActionError::Stale
                | ActionError::Conflict(_)
                | ActionError::Upstream(_)
                | ActionError::Throttled { .. }
                | ActionError::Unavailable(_)),
            ) => capitalised(&error.to_string()),
        }
    }

    fn errors(&self) -> Vec<ProblemField> {
        let at = |fault: &FieldFault| ProblemField {
            pointer: fault.pointer.clone(),
            detail: fault.detail.clone(),
            code: None,
        };
        match self {
            Self::Query(faults) | Self::Action(ActionError::Fields(faults)) => {
                faults.iter().map(at).collect()
            }
            Self::Malformed(detail) => {
                vec![ProblemField {
                    pointer: String::new(),
                    detail: detail.clone(),
                    code: None,
                }]
            }
            Self::Action(ActionError::Policy(faults)) => faults
                .iter()
                .take(POLICY_FAULTS_MAX)
                .map(|fault| ProblemField {
                    pointer: format!("/document{}", fault.pointer),
                    detail: fault.detail.clone(),
                    code: Some(fault.code),
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Written here because the error stops here; the span names the request.
    fn log(&self) {
        match self {
            Self::Action(ActionError::Broken(source)) => {
                tracing::error!(error = source.as_ref(), "a stored value cannot be read");
            }
            Self::Action(ActionError::Unavailable(source)) => {
                tracing::error!(
                    error = source as &dyn std::error::Error,
                    "the database failed"
                );
            }
            Self::Panic => tracing::error!("a handler panicked"),
            _ => {}
        }
    }
}

impl IntoResponse for ApiError {
    /// The status, the headers and, as an extension, the [`Problem`]; [`super::envelope`] knows the
    /// request's id and writes the body.
    fn into_response(self) -> Response {
        self.log();
        let (status, code) = self.kind();
        let problem = Problem {
            kind: format!("urn:tollgate:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.detail(),
            code,
            request_id: String::new(),
            errors: self.errors(),
        };
        let mut response = status.into_response();
        let headers = response.headers_mut();
        match &self {
            Self::Unauthenticated(_) => {
                let challenge = HeaderValue::from_static("Bearer realm=\"tollgate\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::Action(ActionError::Throttled { retry_after_s }) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
            }
            Self::Action(ActionError::Unavailable(_)) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(1));
            }
            _ => {}
        }
        response.extensions_mut().insert(Arc::new(problem));
        response
    }
}

/// What went wrong (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:tollgate:problem:invalid_fields",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "A field cannot be taken as it is.",
    "code": "invalid_fields",
    "request_id": "req_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
    "errors": [{"pointer": "/slug", "detail": "is already in use"}]
}))]
pub(crate) struct Problem {
    /// Names the kind of problem; the same as `code`, as a URN.
    #[serde(rename = "type")]
    #[schema(example = "urn:tollgate:problem:not_found")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, for a person.
    pub detail: String,
    /// What went wrong, for a program.
    #[schema(example = "not_found")]
    pub code: &'static str,
    /// The request, as the log knows it; also in the header `Request-Id`.
    pub request_id: String,
    /// Which fields are at fault, where fields are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<ProblemField>,
}

/// One field at fault.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProblemField {
    /// Where in the body (RFC 6901); of a query parameter, a slash and its name.
    #[schema(example = "/slug")]
    pub pointer: String,
    /// What is wrong, to be read after the field's name.
    #[schema(example = "is already in use")]
    pub detail: String,
    /// Of a policy document: what kind of fault it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "unknown_field", required = false)]
    pub code: Option<&'static str>,
}

impl Problem {
    /// For an answer that no [`ApiError`] made, such as one of the framework's own refusals.
    pub(crate) fn bare(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            status if status.is_server_error() => "internal",
            _ => "bad_request",
        };
        Self {
            kind: format!("urn:tollgate:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: "The request cannot be answered as it is.".into(),
            code,
            request_id: String::new(),
            errors: Vec::new(),
        }
    }
}

fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let mut out: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    out.push_str(chars.as_str());
    if !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}
