//! What every request and every answer of the API has in common: an id, a span, a line in the log,
//! and, where something went wrong, a problem as its body.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use super::problem::Problem;

/// The header that names a request, on the way in and on the way out.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Wraps the whole API, its fallbacks included.
pub(crate) async fn envelop(request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let span = tracing::info_span!("api", request.id = %id);
    let method = request.method().clone();
    // The pattern, not the path: ids would make the log's lines all different.
    let route = request.extensions().get::<MatchedPath>().cloned();
    async {
        let start = Instant::now();
        let response = finish(next.run(request).await, &id);
        tracing::info!(
            %method,
            route = route.as_ref().map_or("", MatchedPath::as_str),
            status = response.status().as_u16(),
            elapsed_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}

/// The caller's own id where it is one that can be logged safely, else a new one.
fn request_id(request: &Request) -> String {
    let fits = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    };
    let theirs = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    match theirs.filter(fits) {
        Some(id) => id.to_owned(),
        None => format!("req_{}", uuid::Uuid::now_v7().simple()),
    }
}

fn finish(mut response: Response, id: &str) -> Response {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let problem = response.extensions_mut().remove::<Arc<Problem>>();
        let problem = problem.map_or_else(|| Problem::bare(status), Arc::unwrap_or_clone);
        let problem = Problem {
            request_id: id.to_owned(),
            ..problem
        };
        response = with_problem(response, &problem);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn with_problem(response: Response, problem: &Problem) -> Response {
    let (mut parts, _) = response.into_parts();
    let body = match serde_json::to_vec(problem) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "a problem could not be written");
            parts.status = StatusCode::INTERNAL_SERVER_ERROR;
            Vec::new()
        }
    };
    let media = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(header::CONTENT_TYPE, media);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}
