//! What the API says when it does not do what it was asked.

use anyhow::anyhow;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::visible;
use crate::exit::{NotReachable, Usage};

/// So many faulty fields are told.
const ERRORS_MAX: usize = 20;

/// An answer of RFC 9457, in words.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub(in super::super) struct Problem {
    pub(in super::super) status: StatusCode,
    pub(in super::super) code: String,
    detail: String,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    code: String,
    detail: String,
    #[serde(default)]
    errors: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    pointer: String,
    detail: String,
}

/// What an answer that is no success says. A server that fails, or one before it that does not reach
/// it, is not reachable; a redirect is not followed, because the key would go along.
pub(super) fn refused(
    url: &str,
    status: StatusCode,
    location: Option<&HeaderValue>,
    body: &[u8],
) -> anyhow::Error {
    let body = serde_json::from_slice::<Body>(body).ok();
    let problem = body.map(|body| Problem::of(status, &body));
    let url = visible(url);
    match problem {
        Some(problem) if is_away(status) => NotReachable(problem.detail).into(),
        Some(problem) => problem.into(),
        None if status.is_server_error() => {
            NotReachable(format!("{url} answers HTTP {status}")).into()
        }
        None => match location.filter(|_| status.is_redirection()) {
            Some(location) => {
                let location = String::from_utf8_lossy(location.as_bytes());
                Usage(format!(
                    "{url} sends on to {}; use that URL",
                    visible(&location)
                ))
                .into()
            }
            None => anyhow!("{url} answers HTTP {status}, and not as Tollgate's API does"),
        },
    }
}

/// The statuses by which an answer says that something behind it does not answer.
fn is_away(status: StatusCode) -> bool {
    [
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ]
    .contains(&status)
}

impl Problem {
    fn of(status: StatusCode, body: &Body) -> Self {
        let mut detail = visible(&body.detail).into_owned();
        for field in body.errors.iter().take(ERRORS_MAX) {
            detail += &format!(
                "\n  {}: {}",
                visible(&field.pointer),
                visible(&field.detail)
            );
        }
        if let Some(more) = body
            .errors
            .len()
            .checked_sub(ERRORS_MAX)
            .filter(|more| *more > 0)
        {
            detail += &format!("\n  … and {more} more");
        }
        Self {
            status,
            code: body.code.clone(),
            detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://x.test";

    #[test]
    fn a_problem_is_told_with_its_fields_and_without_escapes() {
        let body = br#"{"type":"x","code":"invalid_policy","detail":"It is not valid.",
            "errors":[{"pointer":"/document/tools/a\u001b[2J","detail":"has \u202e"}]}"#;
        let error = refused(URL, StatusCode::UNPROCESSABLE_ENTITY, None, body);
        assert_eq!(
            error.to_string(),
            "It is not valid.\n  /document/tools/a<U+001B>[2J: has <U+202E>"
        );
        assert!(error.is::<Problem>());
    }

    #[test]
    fn what_is_not_tollgates_answer_is_told_apart() {
        let away = refused(URL, StatusCode::BAD_GATEWAY, None, b"<html>");
        assert!(away.is::<NotReachable>());
        let away = br#"{"code":"unavailable","detail":"The database cannot be reached."}"#;
        assert!(refused(URL, StatusCode::SERVICE_UNAVAILABLE, None, away).is::<NotReachable>());
        let moved = HeaderValue::from_static("https://y.test/");
        let error = refused(URL, StatusCode::MOVED_PERMANENTLY, Some(&moved), b"");
        assert!(error.is::<Usage>() && error.to_string().contains("https://y.test/"));
        let error = refused(URL, StatusCode::NOT_FOUND, None, b"not here");
        assert!(error.to_string().contains("not as Tollgate's API does"));
    }
}
