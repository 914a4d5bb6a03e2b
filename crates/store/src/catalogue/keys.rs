//! Packages, addresses and repositories in one spelling, so that they can be compared.

/// Where sources are kept: an address there is a repository's.
const FORGES: [&str; 4] = ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org"];
/// Nothing longer is a package or an address.
const KEY_BYTES_MAX: usize = 400;

/// The spelling under which something is compared; none where it names nothing.
pub(super) fn key(text: &str) -> Option<String> {
    let text = text.trim();
    let usable = !text.is_empty() && text.len() <= KEY_BYTES_MAX && !text.contains('\0');
    usable.then(|| spelt(text)).flatten()
}

fn spelt(text: &str) -> Option<String> {
    let small = text.to_lowercase();
    if let Some(name) = small.strip_prefix("npm:") {
        return package("npm", without_version(name));
    }
    if let Some(name) = small.strip_prefix("pypi:") {
        return package("pypi", &python(name));
    }
    if let Some(name) = small.strip_prefix("oci:") {
        return package("oci", image(name));
    }
    if let Some(path) = small.strip_prefix("git@") {
        return place(&path.replacen(':', "/", 1));
    }
    if let Some(path) = small.strip_prefix("github:") {
        return place(&format!("github.com/{path}"));
    }
    let address = small.strip_prefix("git+").unwrap_or(&small);
    match address.split_once("://") {
        Some((_, rest)) => place(rest),
        None if address.contains(':') => Some(without_version(address).to_owned()),
        None => place(address),
    }
}

fn package(kind: &str, name: &str) -> Option<String> {
    (!name.is_empty()).then(|| format!("{kind}:{name}"))
}

/// `@scope/name@1.2` without what follows the second `@`.
fn without_version(name: &str) -> &str {
    match name.rfind('@') {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    }
}

/// As PyPI compares names: runs of `-`, `_` and `.` are one `-`; without extras and version.
fn python(name: &str) -> String {
    let end = name.find(['[', '=', '<', '>', '~', '!', '@', ' ', ';']);
    let name = &name[..end.unwrap_or(name.len())];
    let parts: Vec<&str> = name
        .split(['-', '_', '.'])
        .filter(|p| !p.is_empty())
        .collect();
    parts.join("-")
}

/// Without tag, digest and Docker's own host.
fn image(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    let name = match (name.rfind(':'), name.rfind('/')) {
        (Some(tag), slash) if slash.is_none_or(|slash| tag > slash) => &name[..tag],
        _ => name,
    };
    name.strip_prefix("docker.io/").unwrap_or(name)
}

/// Host and path; of a repository the first two parts of the path.
fn place(rest: &str) -> Option<String> {
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.strip_suffix(":443").unwrap_or(host);
    let host = host.strip_prefix("www.").unwrap_or(host);
    if host.is_empty() {
        return None;
    }
    let path = path.trim_end_matches('/');
    if !FORGES.contains(&host) {
        return Some(format!("url:{host}/{path}"));
    }
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (owner, name) = (parts.next()?, parts.next()?);
    let name = name.strip_suffix(".git").unwrap_or(name);
    Some(format!("repo:{host}/{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_the_same_thing_are_one() {
        for (text, expected) in [
            (
                "npm:@CircleCI/mcp-server-circleci@0.20.0",
                "npm:@circleci/mcp-server-circleci",
            ),
            ("npm:left-pad@latest", "npm:left-pad"),
            ("pypi:MCP_Server.Git[all]==1.0", "pypi:mcp-server-git"),
            ("oci:docker.io/mcp/time:1@sha256:00", "oci:mcp/time"),
            ("oci:host:5000/a/b", "oci:host:5000/a/b"),
            (
                "https://MCP.example.com:443/sse/?key=1",
                "url:mcp.example.com/sse",
            ),
            ("https://user:pw@mcp.example.com", "url:mcp.example.com/"),
            (
                "https://github.com/Owner/Repo.git",
                "repo:github.com/owner/repo",
            ),
            (
                "git+https://github.com/owner/repo#main",
                "repo:github.com/owner/repo",
            ),
            (
                "git@github.com:owner/repo.git",
                "repo:github.com/owner/repo",
            ),
            (
                "github:owner/repo/tree/main/src",
                "repo:github.com/owner/repo",
            ),
            ("nuget:Some.Server@1", "nuget:some.server"),
        ] {
            assert_eq!(key(text).as_deref(), Some(expected), "{text}");
        }
        for nothing in [
            "",
            " ",
            "npm:",
            "https://",
            "https://github.com/owner",
            "a\0b",
        ] {
            assert_eq!(key(nothing), None, "{nothing:?}");
        }
    }
}
