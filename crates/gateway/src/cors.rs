//! What browsers are told. An `Origin` that is present and not allowed is refused after
//! authentication; a preflight carries no credentials and tells nothing of servers or grants.

use axum::body::Body;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        ORIGIN, VARY,
    },
};

use crate::route::Place;

/// What the request's `Origin` header means.
#[derive(Debug, Clone)]
pub(crate) enum Browser {
    /// No `Origin`: not a browser, which is normal.
    No,
    /// An allowed origin, to be echoed.
    Allowed(HeaderValue),
    /// Another origin, or several.
    Refused,
}

impl Browser {
    pub(crate) fn of(headers: &HeaderMap, place: &Place) -> Self {
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Self::No,
            (Some(one), None) if one.to_str().is_ok_and(|text| place.is_own_origin(text)) => {
                Self::Allowed(one.clone())
            }
            _ => Self::Refused,
        }
    }

    /// Adds what lets the page read the answer.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        if let Self::Allowed(origin) = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(VARY, HeaderValue::from_static("Origin"));
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate, Tollgate-Decision"),
            );
        }
    }
}

const ALLOWED: &str = "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, \
                       Mcp-Method, Mcp-Name, Last-Event-ID";

/// The answer to `OPTIONS`. `Mcp-Param-*` names are allowed by echo, because no list can name them.
pub(crate) fn preflight(request: &HeaderMap, browser: &Browser) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = match browser {
        Browser::Refused => StatusCode::FORBIDDEN,
        Browser::No | Browser::Allowed(_) => StatusCode::NO_CONTENT,
    };
    let headers = response.headers_mut();
    headers.insert(
        http::header::ALLOW,
        HeaderValue::from_static(crate::answers::METHODS),
    );
    if matches!(browser, Browser::Allowed(_)) {
        browser.mark(headers);
        let mut allowed = ALLOWED.to_owned();
        let asked = request
            .get(ACCESS_CONTROL_REQUEST_HEADERS)
            .and_then(|v| v.to_str().ok());
        for name in asked.unwrap_or_default().split(',').map(str::trim) {
            let param = name
                .get(..10)
                .is_some_and(|p| p.eq_ignore_ascii_case("mcp-param-"));
            if param && name.len() <= 128 && allowed.len() < 4096 {
                allowed.push_str(", ");
                allowed.push_str(name);
            }
        }
        if let Ok(value) = HeaderValue::from_str(&allowed) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, value);
        }
        let methods = HeaderValue::from_static("POST, GET, DELETE");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preflight_echoes_parameter_headers_and_nothing_else_it_does_not_know() {
        let place = Place::new("https://gate.example.com");
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static("https://gate.example.com"));
        headers.insert(
            ACCESS_CONTROL_REQUEST_HEADERS,
            HeaderValue::from_static("authorization, mcp-param-region, x-evil"),
        );
        let browser = Browser::of(&headers, &place);
        let answer = preflight(&headers, &browser);
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        let allowed = answer.headers()[ACCESS_CONTROL_ALLOW_HEADERS]
            .to_str()
            .expect("ASCII");
        assert!(
            allowed.contains("mcp-param-region") && !allowed.contains("x-evil"),
            "{allowed}"
        );

        headers.insert(ORIGIN, HeaderValue::from_static("https://evil.example"));
        let answer = preflight(&headers, &Browser::of(&headers, &place));
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(!answer.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
