//! Where a long list goes on.

use serde::Deserialize;
use store::PageRequest;

/// How many rows a page of a list has.
const ROWS: u16 = 50;

/// `?after=…` in a list's URL.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Cursor {
    #[serde(default)]
    after: Option<uuid::Uuid>,
}

impl Cursor {
    pub(crate) fn request(&self) -> PageRequest {
        PageRequest {
            limit: ROWS,
            after: self.after,
        }
    }

    pub(crate) fn is_first(&self) -> bool {
        self.after.is_none()
    }
}
