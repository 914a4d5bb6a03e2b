//! A router that remembers what was put into it, so that a test can walk every route.

use axum::{
    Router,
    handler::Handler,
    routing::{get, post},
};

use crate::state::Site;

/// The pages of this room; all of them are only read.
pub(crate) type Routes = RoutesOf<Site>;

/// Pages by path. A form's page is a `get` and a `post` on one path.
#[derive(Debug)]
pub struct RoutesOf<S> {
    router: Router<S>,
    list: Vec<(String, String)>,
}

impl<S: Clone + Send + Sync + 'static> Default for RoutesOf<S> {
    fn default() -> Self {
        Self {
            router: Router::new(),
            list: Vec::new(),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> RoutesOf<S> {
    /// A page that is only read.
    #[must_use]
    pub fn get<H, T>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.list.push(("GET".to_owned(), path.to_owned()));
        self.router = self.router.route(path, get(handler));
        self
    }

    /// A change.
    #[must_use]
    pub fn post<H, T>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.list.push(("POST".to_owned(), path.to_owned()));
        self.router = self.router.route(path, post(handler));
        self
    }

    /// The router, and what is in it as (method, path pattern).
    pub fn into_parts(self) -> (Router<S>, Vec<(String, String)>) {
        (self.router, self.list)
    }
}
