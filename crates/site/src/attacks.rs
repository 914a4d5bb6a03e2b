//! The attack database: a list that can be narrowed down, and a page for each attack.

mod asked;
mod list;
mod page;
mod words;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/catalog/attacks", list::page)
        .get("/catalog/attacks.md", list::twin)
        .get("/catalog/attacks/{id}", page::page)
}
