//! Pages of a long list.

/// Where one is in a list, and how one goes on.
pub(crate) struct Paging {
    /// Which page this is, from 1 on.
    pub(crate) page: u32,
    /// How many there are, at least 1.
    pub(crate) pages: u32,
    /// The page before.
    pub(crate) before: Option<String>,
    /// The page after.
    pub(crate) after: Option<String>,
    /// The first row on this page, from 1 on.
    pub(crate) from: u32,
    /// The last one.
    pub(crate) to: u32,
    /// Of so many.
    pub(crate) total: u32,
}

impl Paging {
    pub(super) fn new(page: u32, total: u32, rows: u16, url: impl Fn(u32) -> String) -> Self {
        let rows = u32::from(rows);
        let pages = total.div_ceil(rows).max(1);
        Self {
            page,
            pages,
            before: (page > 1).then(|| url((page - 1).min(pages))),
            after: (page < pages).then(|| url(page + 1)),
            from: ((page - 1) * rows + 1).min(total),
            to: (page * rows).min(total),
            total,
        }
    }

    /// Whether there is more than this page.
    pub(crate) fn is_needed(&self) -> bool {
        self.pages > 1 || self.page > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_have_no_further_page() {
        let url = |page| format!("?page={page}");
        let first = Paging::new(1, 81, 40, url);
        assert_eq!((first.pages, first.from, first.to), (3, 1, 40));
        assert_eq!(
            (first.before, first.after.as_deref()),
            (None, Some("?page=2"))
        );
        let last = Paging::new(3, 81, 40, url);
        assert_eq!((last.from, last.to, last.after), (81, 81, None));
        let beyond = Paging::new(9, 81, 40, url);
        assert_eq!(beyond.before.as_deref(), Some("?page=3"));
        let none = Paging::new(1, 0, 40, url);
        assert!(!none.is_needed());
    }
}
