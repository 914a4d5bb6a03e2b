//! Where the servers stand in the configurations of different clients.

use super::{
    Mention,
    command::{self, Started},
    node::Node,
    package::{self, From},
    secret::{self, REMOVED, looks_secret},
    url,
};

/// The longest name that is kept.
pub(super) const NAME_CHARS_MAX: usize = 64;
/// Beyond so many it does not matter how many.
const REMOVED_MAX: u32 = 1_000;
/// What an unnamed or unnameable server is called.
const UNNAMED: &str = "server";
/// What stands for a command or an address of which nothing may be kept.
const UNKNOWN: &str = "unknown";

/// Every server that a tree holds.
pub(super) fn mentions(tree: &Node) -> Vec<Mention> {
    let mut found = Vec::new();
    look(tree, &mut found);
    found
}

fn look(node: &Node, found: &mut Vec<Mention>) {
    if let Node::List(elements) = node {
        found.extend(elements.iter().filter_map(|one| server(name_of(one), one)));
        return;
    }
    if let Some(one) = server(name_of(node), node) {
        found.push(one);
        return;
    }
    let before = found.len();
    for (key, value) in node.entries() {
        match key.rsplit('.').next().unwrap_or(key) {
            "mcpServers" | "mcp_servers" | "context_servers" | "servers" => servers(value, found),
            "mcp" => match value.get("servers").or_else(|| value.get("mcpServers")) {
                Some(inner) => servers(inner, found),
                None => servers(value, found),
            },
            "projects" => {
                for (_, project) in value.entries() {
                    look(project, found);
                }
            }
            _ => {}
        }
    }
    // The inside of such a table, without the key above it.
    if found.len() == before {
        servers(node, found);
    }
}

fn servers(node: &Node, found: &mut Vec<Mention>) {
    match node {
        Node::List(_) => look(node, found),
        _ => {
            let entries = node.entries().iter();
            found.extend(entries.filter_map(|(name, entry)| server(Some(name), entry)));
        }
    }
}

fn name_of(node: &Node) -> Option<&str> {
    node.get("name").or_else(|| node.get("id"))?.text()
}

/// One server; none where the node describes none.
fn server(name: Option<&str>, node: &Node) -> Option<Mention> {
    match node {
        Node::Text(line) => from_line(line),
        Node::Table(_) => from_table(name, node),
        _ => None,
    }
}

/// A line by itself: an address, a package or a command.
fn from_line(line: &str) -> Option<Mention> {
    let words = command::split(line);
    let first = words.first()?;
    let mut mention = Mention {
        removed: secret::count_in(&words),
        ..Mention::default()
    };
    if let Some(address) = url::clean(first).0 {
        mention.url = Some(address);
    } else if let Some(from) = package::any(first) {
        mention.take(Some(from));
    } else if command::is_runner(first) {
        mention.start(command::started(&words));
    } else {
        return None;
    }
    mention.name = mention.own_name();
    Some(mention)
}

fn from_table(name: Option<&str>, node: &Node) -> Option<Mention> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| node.get(key)?.text());
    let mut mention = Mention::default();
    let mut known = false;
    if let Some(words) = words(node) {
        mention.start(command::started(&words));
        mention.removed = secret::count_in(&command::whole(&words));
        known = true;
    }
    if let Some(spec) = text(&["package"])
        && let Some(from) = package::any(spec)
    {
        mention.take(Some(from));
        known = true;
    }
    if let Some(address) = text(&[
        "url",
        "serverUrl",
        "httpUrl",
        "server_url",
        "uri",
        "endpoint",
    ]) {
        let (clean, removed) = url::clean(address);
        mention.removed = mention.removed.saturating_add(removed);
        mention.url = clean.or(mention.url);
        known = true;
    }
    if !known {
        return None;
    }
    if let Some(version) = text(&["version"]).filter(|text| package::is_version(text))
        && mention.package.is_some()
        && mention.version.is_none()
    {
        mention.version = Some(version.to_owned());
    }
    if let Some(address) = text(&["source"])
        && mention.source.is_none()
        && let Some(From::Source(source)) = package::source(&format!("git+{address}"))
    {
        mention.source = Some(source);
    }
    mention.removed = mention
        .removed
        .saturating_add(beside(node))
        .min(REMOVED_MAX);
    let kept = [
        &mention.command,
        &mention.package,
        &mention.url,
        &mention.source,
    ];
    if kept.iter().all(|kept| kept.is_none()) {
        mention.command = Some(UNKNOWN.to_owned());
    }
    mention.name = match name.filter(|name| is_name(name)) {
        Some(name) => name.to_owned(),
        None => mention.own_name(),
    };
    Some(mention)
}

/// The command and its arguments, in whichever of the usual ways they are written.
fn words(node: &Node) -> Option<Vec<String>> {
    let command = node.get("command").or_else(|| node.get("cmd"))?;
    let inner = command.get("path").and_then(Node::text);
    let mut words: Vec<String> = match command {
        Node::Text(text) => vec![text.clone()],
        Node::List(list) => texts(list),
        Node::Table(_) => vec![inner?.to_owned()],
        _ => return None,
    };
    for args in [command.get("args"), node.get("args")]
        .into_iter()
        .flatten()
    {
        match args {
            Node::Text(line) => words.extend(command::split(line)),
            args => words.extend(texts(args.elements())),
        }
    }
    (!words.is_empty()).then_some(words)
}

fn texts(list: &[Node]) -> Vec<String> {
    list.iter()
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect()
}

/// How many credentials stand in the tables beside a command or an address.
fn beside(node: &Node) -> u32 {
    const TABLES: [&str; 8] = [
        "env",
        "environment",
        "envs",
        "headers",
        "http_headers",
        "requestHeaders",
        "requestInit",
        "auth",
    ];
    let mut count = match node.get(REMOVED) {
        Some(Node::Count(count)) => *count,
        _ => 0,
    };
    let inner = node.get("command").unwrap_or(&Node::Other);
    for table in TABLES {
        for holder in [node, inner] {
            let Some(table) = holder.get(table) else {
                continue;
            };
            let table = table.get("headers").unwrap_or(table);
            let pairs = table.entries().iter();
            let pairs = pairs.filter_map(|(name, value)| Some((name.as_str(), value.text()?)));
            count = count.saturating_add(secret::count_of(pairs));
        }
    }
    for key in ["bearer_token", "apiKey", "api_key", "token", "oauth_token"] {
        let value = node.get(key).and_then(Node::text);
        let plain = value.is_some_and(|value| !secret::is_reference(value));
        count = count.saturating_add(u32::from(plain));
    }
    count
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_. /@()".contains(c);
    (1..=NAME_CHARS_MAX).contains(&name.chars().count())
        && name.chars().all(plain)
        && !looks_secret(name)
}

impl Mention {
    fn start(&mut self, started: Started) {
        self.command = started.program;
        self.url = started.url;
        self.take(started.from);
    }

    fn take(&mut self, from: Option<From>) {
        match from {
            Some(From::Package { id, version }) => {
                self.package = Some(id);
                self.version = version;
            }
            Some(From::Source(source)) => self.source = Some(source),
            None => {}
        }
    }

    /// What to call it where the configuration has no name for it.
    fn own_name(&self) -> String {
        let package = self.package.as_deref();
        let package = package.and_then(|id| Some(id.split_once(':')?.1));
        let url = self.url.as_deref();
        let host = url.and_then(|url| url.split('/').nth(2));
        let name = package
            .or(host)
            .or(self.source.as_deref())
            .or(self.command.as_deref());
        let name = name.filter(|name| is_name(name)).unwrap_or(UNNAMED);
        name.to_owned()
    }
}
