//! Servers: the list, adding one, and the page of one with its tabs.

mod activity;
mod add;
mod head;
pub(super) mod headers;
mod list;
mod settings;
mod tools;

pub(super) use head::{Head, word_for};

use crate::routes::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/servers", list::show)
        .get("/servers/new", add::show)
        .post("/servers/new", add::submit)
        .get("/servers/{server}", tools::show)
        .post("/servers/{server}/discover", tools::discover)
        .post("/servers/{server}/class", tools::set_class)
        .get("/servers/{server}/activity", activity::show)
        .get("/servers/{server}/settings", settings::show)
        .post("/servers/{server}/settings", settings::submit)
        .post("/servers/{server}/delete", settings::delete)
}
