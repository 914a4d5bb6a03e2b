//! Long lists page by key, newest first, never by offset.

use uuid::Uuid;

/// Which page is asked for.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Rows wanted, 1 to 200; the caller has checked it.
    pub limit: u16,
    /// The id of the last row of the page before; opaque to whoever sends it back.
    pub after: Option<Uuid>,
}

impl PageRequest {
    /// Every row of the page has a smaller id than this.
    pub(crate) fn before(&self) -> Uuid {
        self.after.unwrap_or(Uuid::max())
    }

    /// How many rows to fetch: one more than wanted says whether there is another page.
    pub(crate) fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the page out of what [`Self::fetch`] rows were fetched.
    pub(crate) fn cut<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let more = items.len() > usize::from(self.limit);
        items.truncate(usize::from(self.limit));
        let next = if more { items.last().map(id) } else { None };
        Page { items, next }
    }
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to ask for to get the next page; none on the last.
    pub next: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_next() {
        let page = PageRequest {
            limit: 2,
            after: None,
        };
        let id = |n: &u128| Uuid::from_u128(*n);
        let first = page.cut(vec![9, 8, 7], id);
        assert_eq!((first.items, first.next), (vec![9, 8], Some(id(&8))));
        let last = page.cut(vec![7, 6], id);
        assert_eq!((last.items, last.next), (vec![7, 6], None));
    }
}
