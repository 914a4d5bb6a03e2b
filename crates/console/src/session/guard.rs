//! The guard in front of every page: no change is made for another site.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
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
/// How long a form may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// More fields than any form of ours has. Each costs far more than the byte that it takes to send.
const FIELDS_MAX: usize = 200;
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
    let bytes = read(body, BODY_TIMEOUT).await?;
    match only_token(&bytes)? {
        Some(token) if key.made(&token) => Ok(Passed(bytes)),
        _ => Err(PageError::FormRefused),
    }
}

async fn read(body: Body, within: Duration) -> Result<Bytes, PageError> {
    tokio::time::timeout(within, to_bytes(body, BODY_BYTES_MAX))
        .await
        .map_err(|_| PageError::TooSlow)?
        .map_err(|_| PageError::TooLarge)
}

/// The token of a form; none where there is none, or more than one.
fn only_token(form: &[u8]) -> Result<Option<String>, PageError> {
    let mut tokens = Vec::new();
    for (at, (name, value)) in url::form_urlencoded::parse(form).enumerate() {
        if at == FIELDS_MAX {
            return Err(PageError::TooLarge);
        }
        if name == FIELD {
            tokens.push(value);
        }
    }
    let token = tokens.pop().filter(|_| tokens.is_empty());
    Ok(token.map(std::borrow::Cow::into_owned))
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

    fn form(body: Body, key: &Key) -> impl Future<Output = Result<Passed, PageError>> {
        let request = Request::post("/sign-in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        async move { check(&parts, body, key, "https://tollgate.example").await }
    }

    #[tokio::test]
    async fn a_form_of_a_hundred_thousand_fields_is_not_taken_apart() {
        let key = Key::generate();
        let token = format!("csrf={}", key.form_token());
        assert!(form(token.clone().into(), &key).await.is_ok());
        let twice = format!("{token}&{token}");
        let refused = form(twice.into(), &key).await;
        assert!(matches!(refused, Err(PageError::FormRefused)));
        let many = "a&".repeat(100_000) + &token;
        let refused = form(many.into(), &key).await;
        assert!(matches!(refused, Err(PageError::TooLarge)));
    }

    #[tokio::test]
    async fn a_form_that_never_ends_is_not_waited_for() {
        let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let refused = read(Body::from_stream(never), Duration::from_millis(10)).await;
        assert!(matches!(refused, Err(PageError::TooSlow)));
    }

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
