//! Policies: a server's list, the editor, the versions.

mod around;
mod builder;
mod changes;
mod diff;
mod draft;
mod editor;
mod excerpt;
mod lint;
mod list;
mod open;
mod panes;
mod publish;
mod race;
mod save;
mod shadow;
mod starters;
mod version;

use crate::routes::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/servers/{server}/policies", list::show)
        .get("/servers/{server}/policies/new", open::show_new)
        .post("/servers/{server}/policies/new", save::create)
        .post("/servers/{server}/policies/lint", lint::lint)
        .post("/servers/{server}/policies/merge", lint::merge)
        .get("/servers/{server}/policies/facts", lint::facts)
        .get("/policies/{policy}", open::show)
        .post("/policies/{policy}", save::save)
        .get("/policies/{policy}/publish", publish::review)
        .post("/policies/{policy}/publish", publish::publish)
        .post("/policies/{policy}/rename", version::rename)
        .post("/policies/{policy}/delete", version::delete)
        .get("/policies/{policy}/versions/{version}", version::show)
}
