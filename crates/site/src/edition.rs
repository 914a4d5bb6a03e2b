//! The catalogue as of its last load: what a page is made from, and how long it may be kept.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use store::catalogue::{Totals, totals};
use time::Date;

use crate::{Html, SiteError, state::Site};

const CACHE: &str = "public, max-age=300";

/// What a page of the catalogue begins with: which catalogue it is of. A browser that has the page as
/// of that one already is told so, and nothing more is read.
pub(crate) struct Edition {
    /// What the catalogue holds.
    pub(crate) totals: Totals,
    tag: HeaderValue,
}

/// Why an edition is not made: there is nothing to send, or nothing to read.
pub(crate) enum NoEdition {
    /// The browser has this page.
    Unchanged(HeaderValue),
    /// Postgres failed.
    Failed(SiteError),
}

impl FromRequestParts<Site> for Edition {
    type Rejection = NoEdition;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, NoEdition> {
        let totals = totals(&site.db).await;
        let totals = totals.map_err(|error| NoEdition::Failed(error.into()))?;
        let address = parts.uri.path_and_query().map_or("/", |all| all.as_str());
        let tag = tag(site, totals.revision, address);
        let known = parts.headers.get_all(header::IF_NONE_MATCH);
        if known.iter().any(|known| names(known, &tag)) {
            return Err(NoEdition::Unchanged(tag));
        }
        Ok(Self { totals, tag })
    }
}

impl IntoResponse for NoEdition {
    fn into_response(self) -> Response {
        match self {
            Self::Unchanged(tag) => (StatusCode::NOT_MODIFIED, headers(tag)).into_response(),
            Self::Failed(error) => error.into_response(),
        }
    }
}

impl Edition {
    /// One for tests.
    #[cfg(test)]
    pub(crate) fn of(totals: Totals) -> Self {
        let tag = HeaderValue::from_static("W/\"\"");
        Self { totals, tag }
    }

    /// The day of the last load.
    pub(crate) fn day(&self) -> Option<Date> {
        self.totals.loaded_at.map(time::OffsetDateTime::date)
    }

    /// A page.
    pub(crate) fn html<T: askama::Template>(self, page: T) -> Response {
        (headers(self.tag), Html(page)).into_response()
    }

    /// Its Markdown twin.
    pub(crate) fn markdown<T: askama::Template>(self, page: &T) -> Response {
        match page.render() {
            Ok(text) => self.text("text/markdown; charset=utf-8", text),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a template failed"
                );
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    /// Something else.
    pub(crate) fn text(self, kind: &'static str, text: String) -> Response {
        (headers(self.tag), [(header::CONTENT_TYPE, kind)], text).into_response()
    }
}

fn headers(tag: HeaderValue) -> [(HeaderName, HeaderValue); 2] {
    [
        (header::CACHE_CONTROL, HeaderValue::from_static(CACHE)),
        (header::ETAG, tag),
    ]
}

/// Weak, because the body may be compressed on its way. It covers what a page depends on: the data,
/// the release with its styles, the settings that show, and the address.
fn tag(site: &Site, revision: i64, address: &str) -> HeaderValue {
    let settings = &site.settings;
    let all = format!(
        "{revision}\n{}\n{}\n{}\n{}\n{address}",
        settings.version,
        settings.public_url,
        settings.sign_up_open,
        crate::statics::url("site.css"),
    );
    let digest = vault::sha256(all.as_bytes());
    let mut text = "W/\"".to_owned();
    for byte in &digest[..12] {
        text.push_str(&format!("{byte:02x}"));
    }
    text.push('"');
    HeaderValue::from_str(&text).expect("hexadecimal digits and quotes")
}

/// Whether an `If-None-Match` names the tag, compared weakly (RFC 9110, 13.1.2).
fn names(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let opaque = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else {
        return false;
    };
    known
        .split(',')
        .any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_that_has_it_is_recognised() {
        let tag = HeaderValue::from_static("W/\"abc\"");
        for (known, same) in [
            ("W/\"abc\"", true),
            ("\"abc\"", true),
            ("\"x\", W/\"abc\"", true),
            ("*", true),
            ("\"abcd\"", false),
            ("", false),
        ] {
            assert_eq!(
                names(&HeaderValue::from_static(known), &tag),
                same,
                "{known}"
            );
        }
    }
}
