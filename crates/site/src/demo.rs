//! The live demonstration: a small policy, a call, and what the engine decides on it.
//!
//! All of it is in the address, so a decision can be linked to, and the same address always shows the
//! same one: calls are judged as of one fixed moment, with counters that begin full at every request.

mod ask;
mod decide;
mod examples;
#[cfg(test)]
mod tests;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderName, Uri, header},
    response::{IntoResponse, Response},
};

pub(crate) use ask::Wanted;
use ask::{Asked, CALLS_MAX};
pub(crate) use decide::Outcome;
use decide::decide;
pub(crate) use examples::{EXAMPLES, Example};

use crate::{Html, SiteError, routes::Routes, state::Site};

/// Whether an address asks for a decision: its own, or the first page with a call in it.
#[must_use]
pub fn asks_for_one(uri: &Uri) -> bool {
    match uri.path() {
        "/demo" => true,
        "/" => uri.query().is_some_and(|query| !query.is_empty()),
        _ => false,
    }
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.get("/demo", fragment)
}

/// What was asked, and what came of it.
#[derive(Template)]
#[template(path = "landing/verdict.html")]
pub(crate) struct Demo {
    pub(crate) asked: Asked,
    pub(crate) outcome: Outcome,
}

impl Demo {
    /// Judges the call that an address asks for.
    pub(crate) async fn of(site: &Site, wanted: Wanted) -> Result<Self, SiteError> {
        let first = wanted.is_empty();
        let asked = Asked::of(wanted);
        let job = move || {
            let outcome = decide(&asked);
            Self { asked, outcome }
        };
        // Our own example takes microseconds, and the first page must never be told to wait.
        if first {
            return Ok(job());
        }
        site.desk().work(job).await.map_err(|_| SiteError::Busy)
    }

    pub(crate) const fn calls_max(&self) -> u32 {
        CALLS_MAX
    }
}

/// `GET /demo` is the decision alone, for the script that shows it while someone types. The address
/// takes what the first page's takes: [`Wanted`].
async fn fragment(
    State(site): State<Site>,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, SiteError> {
    let Query(wanted) = wanted.map_err(|_| SiteError::BadQuery)?;
    let demo = Demo::of(&site, wanted).await?;
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    Ok((headers, Html(demo)).into_response())
}
