//! Where facts and descriptions come from, and under which licence they may be shown.

use domain::catalogue::KnownServer;

/// A collection that lists servers.
pub(crate) struct Source {
    /// As entries name it.
    id: &'static str,
    /// What people call it.
    pub(crate) name: &'static str,
    /// Where it is.
    pub(crate) url: &'static str,
    /// The licence of what it says; where it is none, descriptions are those of the server's project.
    pub(crate) licence: Option<&'static str>,
}

macro_rules! sources {
    ($($id:literal: $name:literal, $place:literal, $licence:expr;)*) => {
        &[$(Source {
            id: $id,
            name: $name,
            url: concat!("https://github.com/", $place),
            licence: $licence,
        },)*]
    };
}

const SOURCES: &[Source] = sources! {
    "github-toolsnaps": "GitHub MCP Server, © GitHub", "github/github-mcp-server", Some("MIT");
    "azure": "Microsoft MCP, © Microsoft Corporation", "microsoft/mcp", Some("MIT");
    "docker": "Docker MCP Registry, © Docker", "docker/mcp-registry", Some("MIT");
    "obot": "Obot MCP catalogue", "obot-platform/mcp-catalog", None;
    "intercept": "Intercept, © PolicyLayer", "PolicyLayer/Intercept", Some("Apache-2.0");
    "mcp-census": "MCP Census by Radixia", "radixia/mcp-census", Some("CC BY 4.0");
    "mcpm": "MCPM, © MCP Contributors", "pathintegral-institute/mcpm.sh", Some("MIT");
    "toolhive": "ToolHive Registry, © Stacklok", "stacklok/toolhive-registry", Some("Apache-2.0");
    "livemcpbench": "LiveMCPBench", "icip-cas/LiveMCPBench", Some("Apache-2.0");
    "toucan": "Toucan, © Agent Ark", "TheAgentArk/Toucan", Some("MIT");
    "metorial-index": "MCP Index, © Metorial", "metorial/mcp-index", Some("MIT");
    "metorial-integrations": "Metorial integrations", "metorial/integrations", None;
    "toolsdk": "ToolSDK MCP Registry, © Kelly Peilin Chan", "toolsdk-ai/toolsdk-mcp-registry", Some("MIT");
    "composio": "Composio, © Sampark Inc.", "ComposioHQ/composio", Some("MIT");
    "official-registry-seed": "MCP Registry, © GitHub", "modelcontextprotocol/registry", Some("MIT");
    "everworks-list": "Awesome MCP Servers", "ever-works/awesome-mcp-servers-data", None;
};

/// A source by the name that entries give it.
pub(super) fn source(id: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|source| source.id == id)
}

/// A source as a page names it.
pub(crate) struct Named {
    /// In words.
    pub(crate) name: String,
    /// Where it is; none where it has no page.
    pub(crate) url: Option<&'static str>,
}

/// A source as a page names it, known or not.
pub(super) fn named(id: &str) -> Named {
    let (name, url) = match (id, source(id)) {
        ("scan", _) => ("our own scan".to_owned(), None),
        ("source-repo", _) => ("the server's own repository".to_owned(), None),
        ("registry", _) => ("an MCP registry".to_owned(), None),
        (_, Some(source)) => (source.name.to_owned(), Some(source.url)),
        (other, None) => (other.to_owned(), None),
    };
    Named { name, url }
}

/// Under which licence the server's descriptions are shown.
pub(super) fn licence_of_descriptions(server: &KnownServer) -> Option<&str> {
    let listed = server.tools_from.as_deref().and_then(source);
    match listed.and_then(|source| source.licence) {
        Some(licence) => Some(licence),
        None => server.licence.as_deref(),
    }
}
