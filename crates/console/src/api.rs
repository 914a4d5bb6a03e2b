//! The admin API.

use axum::Router;

use crate::state::Console;

pub(crate) fn router(_console: &Console) -> Router {
    Router::new()
}

pub(crate) fn routes() -> Vec<(String, String)> {
    Vec::new()
}
