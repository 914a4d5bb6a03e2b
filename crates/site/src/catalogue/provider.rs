//! Who provides a server, and whose list its tools are: what pages say beside the tools themselves.

use domain::catalogue::{KnownServer, Origin};

use super::{
    sources::{self, Named},
    words,
};
use crate::text;

/// Facts of a server, ready to be shown.
pub(crate) struct Provider {
    /// Where its source is.
    pub(crate) repo: Option<String>,
    /// Packages, each with the page of its registry where that is known.
    pub(crate) packages: Vec<Package>,
    pub(crate) transports: Vec<String>,
    pub(crate) auth: Option<String>,
    /// Whose list its tools are, and of when.
    pub(crate) tools_from: Option<Named>,
    pub(crate) tools_date: Option<String>,
    /// "60 of 131", where the list is cut.
    pub(crate) cut: Option<u32>,
    /// Who else lists it.
    pub(crate) sources: Vec<Named>,
    /// Under which licence its descriptions are quoted.
    pub(crate) quoted_under: Option<String>,
    /// We have scanned it ourselves.
    pub(crate) ours: bool,
}

/// A package that it is installed from.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) url: Option<String>,
}

impl Provider {
    pub(super) fn of(server: &KnownServer) -> Self {
        let repo = server.repo.as_deref().and_then(text::web_address);
        Self {
            repo: repo.map(str::to_owned),
            packages: server.packages.iter().map(|name| package(name)).collect(),
            transports: server
                .transports
                .iter()
                .map(|name| words::transport(name).to_owned())
                .collect(),
            auth: server
                .auth
                .as_deref()
                .map(|kind| words::auth(kind).to_owned()),
            tools_from: server.tools_from.as_deref().map(sources::named),
            tools_date: server.tools_date.as_ref().map(words::day),
            cut: server.tools_total,
            sources: others(server).map(|id| sources::named(id)).collect(),
            quoted_under: sources::licence_of_descriptions(server).map(str::to_owned),
            ours: server.origin == Origin::Shipped,
        }
    }
}

/// Who lists it beside whose tool list it is.
fn others(server: &KnownServer) -> impl Iterator<Item = &String> {
    let from = server.tools_from.as_ref();
    server.sources.iter().filter(move |id| Some(*id) != from)
}

fn package(name: &str) -> Package {
    let url = name.split_once(':').and_then(|(registry, id)| {
        let safe = |c: char| c.is_ascii_alphanumeric() || "@/._-".contains(c);
        match registry {
            _ if id.is_empty() || !id.chars().all(safe) => None,
            "npm" => Some(format!("https://www.npmjs.com/package/{id}")),
            "pypi" if !id.contains('/') => Some(format!("https://pypi.org/project/{id}/")),
            _ => None,
        }
    });
    Package {
        name: name.to_owned(),
        url,
    }
}
