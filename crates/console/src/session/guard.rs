//! The guard in front of every page: no change is made for another site.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::cookies::{self, Key, Name};
use crate::{pages::PageError, state::Console};

/// The largest form: a policy of 256 KiB, every byte of it percent-encoded.
const BODY_BYTES_MAX: usize = 800 * 1024;
/// The field that carries the token.
const FIELD: &str = "csrf";

/// The body of a form whose token was right. Only the guard makes one.
#[derive(Clone)]
pub(super) struct Passed(pub(super) Bytes);

/// What the forms of this browser are bound to: the session's key, or one made for a visitor.
#[derive(Clone)]
pub(crate) struct FormKey {
    key: Key,
    used: Arc<AtomicBool>,
}

impl FormKey {
    /// The token for a form. Taking it is what makes a visitor get a cookie.
    pub(crate) fn token(&self) -> String {
        self.used.store(true, Ordering::Relaxed);
        self.key.form_token()
    }
}

impl FromRequestParts<Console> for FormKey {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, PageError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(PageError::FormRefused)
    }
}

/// Lets reading through; lets a change through only as a form that one of our own pages made for
/// this very browser. It must come from this origin and carry the token of its session, or of the
/// visitor's cookie where there is no session.
pub(crate) async fn guard(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    let https = console.settings.https();
    let (mut parts, body) = request.into_parts();
    let known = cookies::read(&parts.headers, Name::Session, https)
        .or_else(|| cookies::read(&parts.headers, Name::Form, https))
        .and_then(Key::parse);
    let fresh = known.is_none();
    let form_key = FormKey {
        key: known.unwrap_or_else(Key::generate),
        used: Arc::new(AtomicBool::new(false)),
    };
    parts.extensions.insert(form_key.clone());

    let request = if parts.method.is_safe() {
        Request::from_parts(parts, body)
    } else {
        let passed = match check(&parts, body, &form_key.key, &console.settings.public_url).await {
            Ok(passed) => passed,
            Err(error) => return error.into_response(),
        };
        parts.extensions.insert(passed);
        Request::from_parts(parts, Body::empty())
    };
    let mut response = next.run(request).await;
    if fresh && form_key.used.load(Ordering::Relaxed) {
        let cookie = cookies::set_form(&form_key.key, https);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn check(
    parts: &Parts,
    body: Body,
    key: &Key,
    public_url: &str,
) -> Result<Passed, PageError> {
    if !from_here(&parts.headers, public_url) {
        return Err(PageError::FormRefused);
    }
    let is_form = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.split(';').next() == Some("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(PageError::FormRefused);
    }
    let bytes = to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| PageError::TooLarge)?;
    let fields: Vec<(String, String)> =
        serde_urlencoded::from_bytes(&bytes).map_err(|_| PageError::FormRefused)?;
    let mut tokens = fields.iter().filter(|(name, _)| name == FIELD);
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) if key.made(token) => Ok(Passed(bytes)),
        _ => Err(PageError::FormRefused),
    }
}

/// Browsers say where a request was made, in `Sec-Fetch-Site` where the connection can be trusted
/// (Fetch Metadata) and in `Origin` for every cross-site POST. A client that says neither is no
/// browser, carries no one's cookies by accident, and still needs the token.
fn from_here(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    if let Some(site) = headers.get("sec-fetch-site") {
        return text(site) == "same-origin";
    }
    headers
        .get(header::ORIGIN)
        .is_none_or(|origin| text(origin) == public_url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_site_is_told_apart() {
        let here = "https://tollgate.example";
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in pairs {
                map.append(*name, HeaderValue::from_static(value));
            }
            map
        };
        assert!(from_here(&headers(&[]), here));
        assert!(from_here(
            &headers(&[("origin", "https://tollgate.example")]),
            here
        ));
        assert!(from_here(
            &headers(&[("sec-fetch-site", "same-origin")]),
            here
        ));
        assert!(!from_here(
            &headers(&[("origin", "https://evil.example")]),
            here
        ));
        assert!(!from_here(&headers(&[("origin", "null")]), here));
        assert!(!from_here(
            &headers(&[("origin", "http://tollgate.example")]),
            here
        ));
        for site in ["cross-site", "same-site", "none", ""] {
            let map = headers(&[
                ("sec-fetch-site", site),
                ("origin", "https://tollgate.example"),
            ]);
            assert!(!from_here(&map, here), "{site}");
        }
    }
}
