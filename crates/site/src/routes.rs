//! A router that remembers what was put into it, so that a test can walk every route.

use axum::{Router, handler::Handler, routing::get};

use crate::state::Site;

/// Pages by path; all of them are only read.
pub(crate) struct Routes {
    router: Router<Site>,
    list: Vec<(String, String)>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            list: Vec::new(),
        }
    }

    pub(crate) fn get<H, T>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<T, Site>,
        T: 'static,
    {
        self.list.push(("GET".to_owned(), path.to_owned()));
        self.router = self.router.route(path, get(handler));
        self
    }

    pub(crate) fn into_parts(self) -> (Router<Site>, Vec<(String, String)>) {
        (self.router, self.list)
    }
}
