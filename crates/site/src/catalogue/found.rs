//! Which page an address asks for: the one of that name, or the Markdown twin of another.

use axum::response::Response;
use store::{
    Db, StoreError,
    catalogue::{ServerEntry, ToolEntry, server, tool},
};

use crate::{SiteError, edition::Edition};

/// As what a page is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    Page,
    Twin,
}

impl As {
    /// The page, or what it is in Markdown.
    pub(super) fn answer<P, T>(
        self,
        edition: Edition,
        page: P,
        twin: impl FnOnce(P) -> T,
    ) -> Response
    where
        P: askama::Template,
        T: askama::Template,
    {
        match self {
            Self::Page => edition.html(page),
            Self::Twin => edition.markdown(&twin(page)),
        }
    }
}

/// The name that a twin's address is made of.
pub(super) fn without_md(name: &str) -> (&str, As) {
    match name.strip_suffix(".md") {
        Some(stem) => (stem, As::Twin),
        None => (name, As::Page),
    }
}

/// A server; one whose slug ends as a twin's address does goes before the twin.
pub(super) async fn find_server(db: &Db, slug: &str) -> Result<(ServerEntry, As), SiteError> {
    check(slug)?;
    match (server(db, slug).await, slug.strip_suffix(".md")) {
        (Err(StoreError::NotFound), Some(stem)) => Ok((server(db, stem).await?, As::Twin)),
        (found, _) => Ok((found?, As::Page)),
    }
}

/// A tool, likewise.
pub(super) async fn find_tool(
    db: &Db,
    slug: &str,
    name: &str,
) -> Result<(ToolEntry, As), SiteError> {
    check(slug)?;
    check(name)?;
    match (tool(db, slug, name).await, name.strip_suffix(".md")) {
        (Err(StoreError::NotFound), Some(stem)) => Ok((tool(db, slug, stem).await?, As::Twin)),
        (found, _) => Ok((found?, As::Page)),
    }
}

/// Nothing has a NUL in its name, and Postgres takes none.
fn check(name: &str) -> Result<(), SiteError> {
    match name.contains('\0') {
        true => Err(SiteError::NotFound),
        false => Ok(()),
    }
}
