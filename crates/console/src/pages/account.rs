//! Signing up, in and out, and passwords: the pages before and beside an organisation's.

mod password;
mod reset;
mod sign_in;
mod sign_up;
mod verify;
mod welcome;

pub(crate) use reset::link as reset_link;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::routes::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/sign-up", sign_up::show)
        .post("/sign-up", sign_up::submit)
        .get("/sign-in", sign_in::show)
        .post("/sign-in", sign_in::submit)
        .post("/sign-out", sign_in::sign_out)
        .get("/verify", verify::show)
        .post("/verify", verify::submit)
        .get("/reset", reset::ask)
        .post("/reset", reset::send)
        .get("/reset/set", reset::show)
        .post("/reset/set", reset::submit)
        .get("/welcome", welcome::show)
        .post("/welcome", welcome::submit)
        .post("/organisations/switch", welcome::switch)
        .get("/account", password::show)
        .post("/account", password::submit)
}

/// A redirect that sets cookies on the way.
fn redirect_with(to: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = Redirect::to(to).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The longest page to go on to: a tool's, whose name is 128 characters of three bytes at most.
const NEXT_BYTES_MAX: usize = 1024;

/// Where to go after signing in: a path of ours, whatever the URL says.
///
/// Browsers read `//host`, `/\host` and a tab in between as another host, so everything that is not
/// plainly a path is dropped.
pub(super) fn local(next: &str) -> &str {
    if is_local(next) { next } else { "/overview" }
}

/// The query that carries `next` to the page after this one; empty where there is nowhere to go.
fn carried(next: &str) -> String {
    if !is_local(next) {
        return String::new();
    }
    let query = serde_urlencoded::to_string([("next", next)]).unwrap_or_default();
    format!("?{query}")
}

fn is_local(next: &str) -> bool {
    next.len() <= NEXT_BYTES_MAX
        && next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_else() {
        assert_eq!(carried("/a?b=1&c"), "?next=%2Fa%3Fb%3D1%26c");
        assert_eq!(carried("//evil.example"), "");
        assert_eq!(local(&format!("/{}", "x".repeat(1024))), "/overview");
        assert_eq!(
            local("/servers/srv_1?x=1&y=%2F"),
            "/servers/srv_1?x=1&y=%2F"
        );
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "/\t/evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=y",
            "/ä",
        ] {
            assert_eq!(local(bad), "/overview", "{bad:?}");
        }
    }
}
