//! What the first page says, for people and for programs.

pub(super) const TITLE: &str = "Decide every tool call your agents make";

pub(super) const SUMMARY: &str = "Tollgate stands between AI agents and MCP servers. You write which tools an agent may \
     call, with which arguments and how often; it refuses the rest, tells the agent why, and keeps the record.";

/// A step of the story.
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) link: (&'static str, &'static str),
}

pub(super) const STEPS: [Step; 3] = [
    Step {
        title: "Register a server",
        text: "Give the address of an MCP server over HTTP, and its credential. The credential is sealed; agents \
               never see it. The tools are listed with class and risk.",
        link: ("/docs/quick-start", "Quick start"),
    },
    Step {
        title: "Write a policy",
        text: "Allow, deny, hide or limit each tool, by its arguments if need be. A misspelt rule is an error at \
               its line. Tests and a preview show what changes before it is published.",
        link: ("/docs/policy", "The policy language"),
    },
    Step {
        title: "Issue a grant",
        text: "Each agent gets a token of its own and one address to put into its MCP client. Nothing to install. \
               Revoked means refused within a second.",
        link: ("/docs/clients", "Connect an agent"),
    },
];

/// Something that works today.
pub(super) struct Covered {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

pub(super) const COVERED: [Covered; 8] = [
    Covered {
        title: "Arguments",
        text: "Conditions on any argument: equality, patterns, lists, numbers, addresses and hosts.",
    },
    Covered {
        title: "Exact limits",
        text: "A limit of ten lets ten through in any minute, from however many connections.",
    },
    Covered {
        title: "Hidden tools",
        text: "What an agent may not call is missing from its list, and called anyway it does not exist.",
    },
    Covered {
        title: "Refusals that teach",
        text: "The agent reads which rule refused and what would pass, in your words.",
    },
    Covered {
        title: "A complete record",
        text: "Every decision is written down before the call goes on, with the rule that made it.",
    },
    Covered {
        title: "Shadow",
        text: "A new rule can watch for a while and only record what it would have done.",
    },
    Covered {
        title: "Policies in Git",
        text: "Check, test, compare and publish from the command line and in CI.",
    },
    Covered {
        title: "Deterministic",
        text: "Rules decide, no model is asked: the same call gets the same answer.",
    },
];

pub(super) const LATER: &str = "Not enforced yet: approval by a person, limits on concurrent calls, cost-weighted \
     limits, limits shared between grants. Policies that use them are told so, and cannot be published.";
