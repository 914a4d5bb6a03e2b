//! Names of packages, taken from what a command installs.

use super::secret::looks_secret;

/// The longest name and the longest version that are kept.
const NAME_BYTES_MAX: usize = 214;
const VERSION_BYTES_MAX: usize = 64;

/// What is started: a package at a version, or a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    Package { id: String, version: Option<String> },
    Source(String),
}

/// `@scope/name@1.2`, `name@latest`, `github:owner/name`.
pub(super) fn npm(spec: &str) -> Option<From> {
    if let Some(source) = source(spec) {
        return Some(source);
    }
    let spec = spec.strip_prefix("npm:").unwrap_or(spec);
    let at = spec.get(1..)?.find('@').map(|at| at + 1);
    let (name, version) = at.map_or((spec, None), |at| (&spec[..at], Some(&spec[at + 1..])));
    let parts: Vec<&str> = name.split('/').collect();
    let named = match parts[..] {
        [scope, name] => scope.strip_prefix('@').is_some_and(is_name) && is_name(name),
        [name] => is_name(name),
        _ => false,
    };
    package("npm", named.then_some(name)?, version)
}

/// `name`, `name==1.2`, `name@1.2`, `name[extra]`, `git+https://…`; the name as the index writes it.
pub(super) fn pypi(spec: &str) -> Option<From> {
    if let Some(source) = source(spec) {
        return Some(source);
    }
    let spec = spec.strip_prefix("pypi:").unwrap_or(spec);
    let end = spec
        .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        .unwrap_or(spec.len());
    let (name, mut rest) = spec.split_at(end);
    if rest.starts_with('[') {
        rest = &rest[rest.find(']')? + 1..];
    }
    let version = rest.trim_start_matches(['=', '@', '>', '<', '~', '!', ' ']);
    let version = (version.len() < rest.len()).then_some(version);
    if !is_name(name) || (version.is_none() && !rest.is_empty()) {
        return None;
    }
    let name = name.to_ascii_lowercase().replace(['_', '.'], "-");
    package("pypi", &name, version)
}

/// `ghcr.io/owner/name:tag`, `mcp/fetch@sha256:…`.
pub(super) fn oci(spec: &str) -> Option<From> {
    let spec = spec.strip_prefix("oci:").unwrap_or(spec);
    let spec = spec.split('@').next()?;
    let last = spec.rfind('/').map_or(0, |slash| slash + 1);
    let tag = spec[last..].find(':').map(|colon| last + colon);
    let (name, version) = tag.map_or((spec, None), |at| (&spec[..at], Some(&spec[at + 1..])));
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._:".contains(&b))
    };
    name.split('/').all(part).then_some(())?;
    package("oci", name, version)
}

/// What names itself: `npm:…`, `pypi:…`, `oci:…`.
pub(super) fn any(spec: &str) -> Option<From> {
    match spec.split_once(':')?.0 {
        "npm" => npm(spec),
        "pypi" => pypi(spec),
        "oci" => oci(spec),
        _ => None,
    }
}

fn package(registry: &str, name: &str, version: Option<&str>) -> Option<From> {
    let fits = name.len() <= NAME_BYTES_MAX && !looks_secret(name);
    let version = version.filter(|version| is_version(version));
    fits.then(|| From::Package {
        id: format!("{registry}:{name}"),
        version: version.map(str::to_owned),
    })
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

/// Whether it is a version that may be kept.
pub(super) fn is_version(version: &str) -> bool {
    let plain = version
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._+^~*".contains(&b));
    plain && (1..=VERSION_BYTES_MAX).contains(&version.len()) && !looks_secret(version)
}

/// The repository of `git+https://host/owner/name.git@ref`, `github:owner/name`.
pub(super) fn source(spec: &str) -> Option<From> {
    let url = match spec.strip_prefix("github:") {
        Some(path) => format!("https://github.com/{path}"),
        None => spec.strip_prefix("git+")?.to_owned(),
    };
    let (clean, _) = super::url::clean(&url);
    let clean = clean?;
    let (host, path) = clean.strip_prefix("https://")?.split_once('/')?;
    let mut parts = path.split('/');
    let owner = parts.next()?;
    let name = parts.next()?.split('@').next()?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    let fits = !owner.is_empty() && !name.is_empty();
    fits.then(|| From::Source(format!("https://{host}/{owner}/{name}")))
}
