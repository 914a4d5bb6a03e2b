//! Policies: a server's list, the editor, the versions.

mod diff;
mod editor;
mod excerpt;
mod list;
mod rule;
mod save;
mod version;

use crate::routes::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/servers/{server}/policies", list::show)
        .get("/servers/{server}/policies/new", editor::show_new)
        .post("/servers/{server}/policies/new", save::create)
        .get("/policies/{policy}", editor::show)
        .post("/policies/{policy}", save::save)
        .post("/policies/{policy}/publish", version::publish)
        .post("/policies/{policy}/rename", version::rename)
        .post("/policies/{policy}/delete", version::delete)
        .get("/policies/{policy}/versions/{version}", version::show)
}
