//! Query parameters, as strict as bodies; and the pages of long lists.

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use store::{Page, PageRequest};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{fault::locate, problem::ApiError, schema::Time};
use crate::{actions::FieldFault, state::Console};

/// Query parameters that parsed into `T`. Unknown and repeated ones are refused, because a
/// misspelt filter must not show everything.
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Console> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, ApiError> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
        .map_err(|error| ApiError::Query(vec![locate(&error)]))
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// How many items, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl PageQuery {
    pub(crate) fn request(&self) -> PageRequest {
        page(self.limit, self.cursor)
    }
}

/// A span of time: a day up to now where nothing is said.
///
/// # Errors
/// `/from` that is not before `/to`.
pub(crate) fn span(
    from: Option<Time>,
    to: Option<Time>,
) -> Result<(OffsetDateTime, OffsetDateTime), ApiError> {
    let to = to.map_or_else(OffsetDateTime::now_utc, |Time(at)| at);
    let from = match from {
        Some(Time(from)) => from,
        // RFC 3339 has no years before 0, so no answer could name the day before its first.
        None => to
            .checked_sub(Duration::DAY)
            .filter(|from| from.year() >= 0)
            .unwrap_or(to),
    };
    if from >= to {
        let fault = FieldFault::new("/from", "must be before to");
        return Err(ApiError::Query(vec![fault]));
    }
    Ok((from, to))
}

/// The page that `limit` and `cursor` ask for.
pub(crate) fn page(limit: Limit, cursor: Option<Cursor>) -> PageRequest {
    PageRequest {
        limit: limit.0,
        after: cursor.map(|cursor| cursor.0),
    }
}

/// How many items a page has: 1 to 200, 50 unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(u16);

impl Limit {
    /// A default of a route's own.
    pub(crate) const fn new(limit: u16) -> Self {
        Self(limit)
    }

    pub(crate) const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(limit @ 1..=200) if digits => Ok(Self(limit)),
            _ => Err(serde::de::Error::custom(
                "must be a whole number from 1 to 200",
            )),
        }
    }
}

/// Where a page begins. What it holds is nobody's business but ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(Uuid);

impl Cursor {
    fn write(last: Uuid) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(last.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&text).ok();
        let uuid = bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok());
        uuid.map(Self)
            .ok_or_else(|| serde::de::Error::custom("is not a cursor that was given out"))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    pub(crate) fn of<R>(page: Page<R>, body: impl FnMut(R) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(body).collect(),
            next_cursor: page.next.map(Cursor::write),
        }
    }

    /// The same where a row may turn out not to be readable.
    pub(crate) fn try_of<R, E>(
        page: Page<R>,
        body: impl FnMut(R) -> Result<T, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            items: page.items.into_iter().map(body).collect::<Result<_, _>>()?,
            next_cursor: page.next.map(Cursor::write),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::FieldFault;

    fn fault(query: &str) -> FieldFault {
        match parse::<PageQuery>(query) {
            Err(ApiError::Query(mut faults)) => faults.remove(0),
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn a_page_is_asked_for_strictly() {
        assert_eq!(
            parse::<PageQuery>("").expect("defaults").request().limit,
            50
        );
        assert_eq!(
            parse::<PageQuery>("limit=200")
                .expect("the most")
                .request()
                .limit,
            200
        );
        let cursor = Cursor::write(Uuid::now_v7());
        assert!(parse::<PageQuery>(&format!("cursor={cursor}&limit=1")).is_ok());
        for (query, pointer) in [
            ("limit=0", "/limit"),
            ("limit=201", "/limit"),
            ("limit=%2B5", "/limit"),
            ("limit=", "/limit"),
            ("limit=1e2", "/limit"),
            ("limit=1&limit=2", "/limit"),
            ("limits=1", "/limits"),
            ("cursor=abc", "/cursor"),
            ("cursor=", "/cursor"),
            ("cursor=00000000-0000-0000-0000-000000000000", "/cursor"),
            ("&x", "/x"),
        ] {
            assert_eq!(fault(query).pointer, pointer, "{query}");
        }
    }
}
