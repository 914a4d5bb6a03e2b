//! The entries, read once.

use std::{cmp::Reverse, collections::HashMap, sync::LazyLock};

use super::Attack;

macro_rules! entries {
    ($($id:literal,)*) => {
        [$(($id, include_str!(concat!("../../data/attacks/", $id, ".toml"))),)*]
    };
}

/// Every entry's file, by id.
pub(super) const FILES: [(&str, &str); 49] = entries! {
    "ansi-deception",
    "asana-cross-tenant",
    "atlassian-living-off-ai",
    "azure-devops-missing-auth",
    "azure-mcp-ssrf",
    "base-mcp-redirect",
    "bulk-mail",
    "confused-deputy",
    "contextcrush",
    "conversation-theft",
    "curxecute",
    "fetch-exfiltration",
    "figma-framelink-rce",
    "filesystem-escape",
    "force-push",
    "full-schema-poisoning",
    "git-server-chain",
    "github-toxic-flow",
    "insecure-credential-storage",
    "jira-cursor-hijack",
    "kubernetes-command-injection",
    "line-jumping",
    "mcp-inspector-rce",
    "mcp-remote-rce",
    "mcpoison",
    "mcpwnfluence",
    "neon-remote-exploit",
    "nginx-ui-mcpwn",
    "playwright-origin",
    "postgres-readonly-bypass",
    "postmark-mcp",
    "refund-injection",
    "replit-db-deletion",
    "retry-storm",
    "rug-pull",
    "runaway-loop",
    "sampling-abuse",
    "scope-creep",
    "sdk-dns-rebinding",
    "session-prompt-hijack",
    "shell-rm-rf",
    "slack-link-unfurl",
    "smithery-path-traversal",
    "stdio-config-rce",
    "supabase-lethal-trifecta",
    "token-passthrough",
    "tool-poisoning",
    "ts-sdk-cross-client",
    "whatsapp-mcp-exfiltration",
};

/// The newest first, those without a date last.
static ATTACKS: LazyLock<Vec<Attack>> = LazyLock::new(|| {
    let read = |(id, text): &(&str, &str)| -> Attack {
        toml::from_str(text).unwrap_or_else(|error| panic!("data/attacks/{id}.toml: {error}"))
    };
    let mut attacks: Vec<Attack> = FILES.iter().map(read).collect();
    attacks.sort_by(|a, b| {
        Reverse(&a.date)
            .cmp(&Reverse(&b.date))
            .then(a.id.cmp(&b.id))
    });
    attacks
});

static BY_ID: LazyLock<HashMap<&'static str, &'static Attack>> =
    LazyLock::new(|| ATTACKS.iter().map(|it| (it.id.as_str(), it)).collect());

/// Every attack, the newest first.
#[must_use]
pub fn attacks() -> &'static [Attack] {
    &ATTACKS
}

/// One attack.
#[must_use]
pub fn attack(id: &str) -> Option<&'static Attack> {
    BY_ID.get(id).copied()
}
