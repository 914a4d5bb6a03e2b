//! Long lists page by key, newest first, never by offset.

/// Which page is asked for.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Rows wanted, 1 to 200; the caller has checked it.
    pub limit: u16,
    /// The id of the last row of the page before; opaque to whoever sends it back.
    pub after: Option<uuid::Uuid>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to ask for to get the next page; none on the last.
    pub next: Option<uuid::Uuid>,
}
