//! A router that remembers what was put into it, so that a test can walk every route.

use axum::{
    Router,
    handler::Handler,
    routing::{get, post},
};

use crate::state::Console;

/// Pages by path. A form's page is a `get` and a `post` on one path.
pub(crate) struct Routes {
    router: Router<Console>,
    list: Vec<(String, String)>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            list: Vec::new(),
        }
    }

    /// A page that is only read.
    pub(crate) fn get<H, T>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        self.list.push(("GET".to_owned(), path.to_owned()));
        self.router = self.router.route(path, get(handler));
        self
    }

    /// A change. The guard has checked its form before the handler runs, whatever it extracts.
    pub(crate) fn post<H, T>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        self.list.push(("POST".to_owned(), path.to_owned()));
        self.router = self.router.route(path, post(handler));
        self
    }

    pub(crate) fn into_parts(self) -> (Router<Console>, Vec<(String, String)>) {
        (self.router, self.list)
    }
}
