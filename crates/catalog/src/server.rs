//! Servers that people can run and add: how, and with which credential.

use std::sync::LazyLock;

use domain::tools::{Risk, ToolClass};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Shipped, shipped};

/// One known MCP server, as of one version of its package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Names it in URLs.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Who publishes it.
    pub vendor: String,
    /// What it is for, in a sentence.
    pub summary: String,
    /// Where its source is.
    pub repository: String,
    /// What it is installed from.
    pub package: Package,
    /// SPDX name of its licence.
    pub licence: String,
    /// How to run it so that a gateway can reach it.
    pub run: Run,
    /// What to fill in as the upstream URL after running it so; a suggestion.
    pub upstream_url: String,
    /// How it wants to be authenticated to.
    pub credential: Credential,
    /// What someone who writes rules for it should know.
    pub notes: Vec<String>,
    /// Its tools, the riskiest first.
    pub tools: Vec<KnownTool>,
}

/// A package at a version: the tools of another version may differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The kind of registry: `npm`.
    pub registry: String,
    /// The package's name there.
    pub name: String,
    /// The version that the entry describes.
    pub version: String,
}

/// How to run a server over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// A shell command.
    pub command: String,
    /// What to mind.
    pub notes: Vec<String>,
}

/// What authenticates a caller to the upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// What to ask a person for.
    pub what: String,
    /// The headers that can carry it; any one is enough, the first is the usual one.
    pub headers: Vec<CredentialHeader>,
}

/// A header that carries a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialHeader {
    /// The header's name.
    pub name: String,
    /// Its value, `{token}` standing for the credential.
    pub value: String,
}

/// A tool of a known server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownTool {
    /// Its name.
    pub name: String,
    /// The worst that its normal use does.
    pub class: ToolClass,
    /// At most one step from what the class alone says.
    pub risk: Risk,
    /// What it does, in a sentence of ours.
    pub does: String,
    /// What to mind when writing a rule for it.
    pub note: Option<String>,
    /// Its arguments, as the paths that policies use.
    pub arguments: Vec<Argument>,
}

/// An argument of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its path from the call's arguments.
    pub path: String,
    /// Whether the tool refuses to run without it.
    pub required: bool,
}

impl Server {
    /// One of its tools, by name.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&KnownTool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

/// What is written down of a server that people can run: the rest is in the shipped catalogue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    slug: String,
    run: Run,
    upstream_url: String,
    credential: Credential,
}

impl Preset {
    fn join(self, shipped: &Shipped) -> Server {
        let known = &shipped.server;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let package = known.packages.first().and_then(|name| name.split_once(':'));
        let (registry, name) = package.unwrap_or_default();
        Server {
            slug: self.slug,
            name: known.name.clone(),
            vendor: text(&known.vendor),
            summary: text(&known.summary),
            repository: text(&known.repo),
            package: Package {
                registry: registry.to_owned(),
                name: name.to_owned(),
                version: text(&known.version),
            },
            licence: text(&known.licence),
            run: self.run,
            upstream_url: self.upstream_url,
            credential: self.credential,
            notes: shipped.notes.clone(),
            tools: shipped.tools.iter().map(KnownTool::from).collect(),
        }
    }
}

impl From<&domain::catalogue::KnownTool> for KnownTool {
    fn from(tool: &domain::catalogue::KnownTool) -> Self {
        let argument = |argument: &domain::catalogue::KnownArgument| Argument {
            path: argument.path.clone(),
            required: argument.required,
        };
        Self {
            name: tool.name.clone(),
            class: tool.class,
            risk: tool.risk,
            does: tool.does.clone().unwrap_or_default(),
            note: tool.note.clone(),
            arguments: tool.args.iter().flatten().map(argument).collect(),
        }
    }
}

static SERVERS: LazyLock<Vec<Server>> = LazyLock::new(|| {
    let presets: Vec<Preset> = serde_json::from_str(include_str!("../data/presets.json"))
        .expect("a test reads the presets");
    let presets = presets.into_iter();
    presets
        .map(|preset| {
            let shipped = shipped().iter().find(|one| one.server.slug == preset.slug);
            preset.join(shipped.expect("a test compares the presets with the catalogue"))
        })
        .collect()
});

static CIRCLECI: LazyLock<Vec<Value>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/circleci-0.20.0.json"))
        .expect("a test reads the definitions")
});

/// Every server that it is known how to run.
#[must_use]
pub fn servers() -> &'static [Server] {
    &SERVERS
}

/// Such a server by its slug.
#[must_use]
pub fn server(slug: &str) -> Option<&'static Server> {
    SERVERS.iter().find(|server| server.slug == slug)
}

/// The tool definitions of `@circleci/mcp-server-circleci` 0.20.0, in the order and with the names,
/// schemas and annotations of its `tools/list` answer. The descriptions are ours.
#[must_use]
pub fn circleci_tools() -> &'static [Value] {
    &CIRCLECI
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn circleci() -> &'static Server {
        server("circleci").expect("the catalogue knows CircleCI")
    }

    #[test]
    fn every_entry_is_one_that_a_page_can_show() {
        let mut slugs = BTreeSet::new();
        for server in servers() {
            assert!(
                server.slug.parse::<domain::Slug>().is_ok(),
                "{}",
                server.slug
            );
            assert!(slugs.insert(&server.slug), "{} is there twice", server.slug);
            assert!(server.repository.starts_with("https://"));
            let url = &server.upstream_url;
            assert!(url.starts_with("http://") || url.starts_with("https://"));
            assert!(!server.credential.headers.is_empty());
            for header in &server.credential.headers {
                assert!(header.value.contains("{token}"), "{header:?}");
            }
            let mut names = BTreeSet::new();
            for tool in &server.tools {
                assert!(
                    tool.name.parse::<domain::ToolName>().is_ok(),
                    "{}",
                    tool.name
                );
                assert!(names.insert(&tool.name), "{} is there twice", tool.name);
                assert!(
                    tool.does.ends_with('.') && tool.does.len() > 20,
                    "{}",
                    tool.name
                );
                let step = (tool.risk as i32 - tool.class.risk() as i32).abs();
                assert!(step <= 1, "{}: the guide allows one step", tool.name);
            }
        }
    }

    #[test]
    fn circleci_has_its_thirteen_tools_and_what_they_do() {
        use ToolClass::{Execute, Read, Write};
        assert_eq!(circleci().package.version, "0.20.0");
        let classes: Vec<_> = circleci()
            .tools
            .iter()
            .map(|tool| (tool.name.as_str(), tool.class))
            .collect();
        for expected in [
            ("rerun_workflow", Execute),
            ("run_pipeline", Execute),
            ("run_rollback_pipeline", Execute),
            ("download_usage_api_data", Write),
            ("find_flaky_tests", Read),
            ("get_build_failure_logs", Read),
            ("get_latest_pipeline_status", Read),
            ("get_job_test_results", Read),
            ("config_helper", Read),
            ("list_followed_projects", Read),
            ("find_underused_resource_classes", Read),
            ("list_component_versions", Read),
            ("list_artifacts", Read),
        ] {
            assert!(classes.contains(&expected), "{expected:?}");
        }
        assert_eq!(classes.len(), 13);
    }

    /// The entry was written by hand from the definitions; they must not drift apart.
    #[test]
    fn the_entry_and_the_definitions_agree() {
        assert_eq!(circleci_tools().len(), circleci().tools.len());
        for definition in circleci_tools() {
            let name = definition["name"].as_str().expect("a name");
            let tool = circleci().tool(name).expect(name);
            assert_eq!(definition["description"], tool.does.as_str());
            let params = &definition["inputSchema"]["properties"]["params"];
            let required = params["required"].as_array().cloned().unwrap_or_default();
            let defined: BTreeSet<(String, bool)> = params["properties"]
                .as_object()
                .expect("an object")
                .keys()
                .map(|key| {
                    (
                        format!("params.{key}"),
                        required.contains(&key.as_str().into()),
                    )
                })
                .collect();
            let known = tool
                .arguments
                .iter()
                .map(|argument| (argument.path.clone(), argument.required));
            assert_eq!(known.collect::<BTreeSet<_>>(), defined, "{name}");
        }
    }

    #[test]
    fn the_definitions_are_those_of_the_package() {
        let marked: BTreeSet<&str> = circleci_tools()
            .iter()
            .filter(|tool| tool["annotations"]["destructiveHint"] == true)
            .filter_map(|tool| tool["name"].as_str())
            .collect();
        let expected = [
            "download_usage_api_data",
            "find_flaky_tests",
            "rerun_workflow",
            "run_pipeline",
            "run_rollback_pipeline",
        ];
        assert_eq!(marked, BTreeSet::from(expected));
        for tool in circleci_tools() {
            assert_eq!(tool["execution"]["taskSupport"], "forbidden");
            assert_eq!(tool["inputSchema"]["additionalProperties"], false);
            assert_eq!(
                tool["inputSchema"]["properties"]["params"]["additionalProperties"],
                false
            );
        }
    }
}
