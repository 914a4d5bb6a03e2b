//! The public catalogue: search, servers, tools, classes and risks, each as a page and as Markdown.

mod asked;
mod counts;
mod found;
mod group;
#[cfg(test)]
mod hostile;
mod inventory;
mod paging;
mod provider;
mod rules;
mod search;
mod server;
mod sources;
mod tool;
mod words;

use store::catalogue::Totals;

use crate::routes::Routes;

pub(crate) use words::class_in_short;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/catalog", search::page)
        .get("/catalog.md", search::twin)
        .get("/catalog/servers/{slug}", server::page)
        .get("/catalog/servers/{slug}/tools/{tool}", tool::page)
        .get("/catalog/classes/{class}", group::class)
        .get("/catalog/risks/{risk}", group::risk)
}

/// What the catalogue holds, in a sentence that says no more than was counted.
pub(crate) fn holds(totals: &Totals) -> String {
    let Some(at) = totals.loaded_at else {
        return "Nothing has been loaded yet.".to_owned();
    };
    let mut said = format!(
        "{} of {}",
        words::number(&totals.tools, "tool", "tools"),
        words::number(&totals.servers_scanned, "server", "servers"),
    );
    if totals.hosted > 0 {
        let hosted = words::number(&totals.hosted, "integration", "integrations");
        said.push_str(&format!(", {hosted} that platforms host among them"));
    }
    let unscanned = totals.servers.saturating_sub(totals.servers_scanned);
    if unscanned > 0 {
        let more = words::number(&unscanned, "more server is", "more servers are");
        said.push_str(&format!("; {more} known but not scanned yet"));
    }
    format!("{said}; as of {}.", words::day(&at.date()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_the_catalogue_holds_is_said_as_it_was_counted() {
        let totals = Totals {
            loaded_at: Some(datetime!(2026-11-26 09:00 UTC)),
            servers: 11_893,
            servers_scanned: 5_093,
            hosted: 1_540,
            tools: 70_668,
            ..Totals::default()
        };
        assert_eq!(
            holds(&totals),
            "70,668 tools of 5,093 servers, 1,540 integrations that platforms host among them; 6,800 \
             more servers are known but not scanned yet; as of 26 Nov 2026."
        );
        assert_eq!(holds(&Totals::default()), "Nothing has been loaded yet.");
    }
}
