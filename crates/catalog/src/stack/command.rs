//! What a command starts: the package behind `npx`, the image behind `docker run`, the address
//! behind a bridge.

use super::{
    package::{self, From},
    secret::looks_secret,
    url,
};

/// How many wrappers (`cmd /c`, `sh -c`, `env`) are taken off.
const WRAPPERS_MAX: usize = 6;
/// How many words of a command are looked at.
const WORDS_MAX: usize = 200;
/// Programs that make a server at an address look like one that is started here.
const BRIDGES: [&str; 6] = [
    "npm:mcp-remote",
    "npm:supergateway",
    "npm:mcp-proxy",
    "npm:@pyroprompts/mcp-stdio-to-streamable-http-adapter",
    "pypi:mcp-proxy",
    "pypi:mcp-remote",
];

/// What a command starts.
#[derive(Debug, Default)]
pub(super) struct Started {
    pub(super) program: Option<String>,
    pub(super) from: Option<From>,
    pub(super) url: Option<String>,
}

/// Whether a word is a program that starts servers.
pub(super) fn is_runner(word: &str) -> bool {
    const RUNNERS: [&str; 20] = [
        "npx", "bunx", "pnpx", "pnpm", "npm", "yarn", "bun", "deno", "node", "uvx", "uv", "pipx",
        "python", "python3", "docker", "podman", "cmd", "sh", "bash", "env",
    ];
    name_of(word).is_some_and(|word| RUNNERS.contains(&word.as_str()))
}

/// What the words start.
pub(super) fn started(words: &[String]) -> Started {
    unwrapped(words, WRAPPERS_MAX)
}

fn unwrapped(words: &[String], more: usize) -> Started {
    let words = &words[..words.len().min(WORDS_MAX)];
    let Some((first, rest)) = words.split_first() else {
        return Started::default();
    };
    if more > 0 && is_line(first) {
        let mut all = split(first);
        all.extend_from_slice(rest);
        return unwrapped(&all, more - 1);
    }
    // `TOKEN=… npx …`, as a shell takes it.
    if more > 0 && is_assignment(first) && !rest.is_empty() {
        return unwrapped(rest, more - 1);
    }
    let program = bare(first);
    let name = program.as_deref().unwrap_or_default();
    if more > 0
        && let Some(inner) = inside(name, rest)
    {
        return unwrapped(&inner, more - 1);
    }
    let from = from(name, rest);
    let bridged = matches!(&from, Some(From::Package { id, .. }) if BRIDGES.contains(&id.as_str()));
    if !bridged {
        return Started {
            program,
            from,
            url: None,
        };
    }
    let stdio = rest.iter().position(|word| word == "--stdio");
    match stdio.and_then(|at| rest.get(at + 1)) {
        Some(line) if more > 0 => unwrapped(&split(line), more - 1),
        _ => Started {
            program,
            url: rest.iter().find_map(|word| url::clean(word).0),
            from: None,
        },
    }
}

/// Whether a program is a whole command line, and not a path with a space in it.
fn is_line(program: &str) -> bool {
    program.trim().contains(char::is_whitespace)
        && (!program.contains(['\\', '/'])
            || split(program).first().is_some_and(|it| is_runner(it)))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// The command inside a wrapper; none where it is no wrapper.
fn inside(program: &str, rest: &[String]) -> Option<Vec<String>> {
    let after = |flags: &[&str]| {
        let at = rest
            .iter()
            .position(|word| flags.iter().any(|flag| word.eq_ignore_ascii_case(flag)))?;
        Some(rest[at + 1..].to_vec())
    };
    match program {
        "cmd" => after(&["/c", "/k"]),
        "sh" | "bash" | "zsh" => after(&["-c", "-lc", "-ic"]).map(|words| match words.first() {
            Some(line) => split(line),
            None => words,
        }),
        "wsl" | "sudo" | "exec" | "nohup" => Some(rest.to_vec()),
        "env" => {
            let at = rest
                .iter()
                .position(|word| !word.contains('=') && !word.starts_with('-'))?;
            Some(rest[at..].to_vec())
        }
        "op" | "doppler" | "infisical" | "dotenv" | "dotenvx" | "mise" | "aws-vault" => {
            after(&["--"])
        }
        // `claude mcp add name -- npx …`, as people copy it.
        "claude" | "codex" | "gemini" => after(&["--"]),
        _ => None,
    }
}

/// The package or image that a program is told to start.
fn from(program: &str, rest: &[String]) -> Option<From> {
    match program {
        "npx" | "bunx" | "pnpx" => package::npm(named(rest, &["-p", "--package"], &[])?),
        "npm" | "pnpm" | "yarn" | "bun" => {
            let exec = ["exec", "x", "dlx"];
            let (sub, rest) = rest.split_first()?;
            exec.contains(&sub.as_str())
                .then(|| named(rest, &["-p", "--package"], &[]))
                .flatten()
                .and_then(package::npm)
        }
        "deno" => named(rest, &[], &["run"])
            .filter(|spec| spec.starts_with("npm:"))
            .and_then(package::npm),
        "node" => rest.iter().find_map(|word| in_node_modules(word)),
        "uvx" => package::pypi(named(rest, &["--from"], &[])?),
        "uv" => match rest {
            [tool, run, rest @ ..] if tool == "tool" && run == "run" => {
                package::pypi(named(rest, &["--from"], &[])?)
            }
            _ => None,
        },
        "pipx" => package::pypi(named(rest, &["--spec"], &["run"])?),
        "python" | "python3" | "py" => {
            let at = rest.iter().position(|word| word == "-m")?;
            let module = rest.get(at + 1)?.split('.').next()?;
            package::pypi(module)
        }
        "docker" | "podman" | "nerdctl" => image(rest),
        _ => None,
    }
}

/// Flags that stand alone, of what runs packages and of what runs images.
const ALONE: [&str; 24] = [
    "--legacy-peer-deps",
    "--reinstall",
    "--force",
    "-y",
    "--yes",
    "-q",
    "--quiet",
    "--silent",
    "--prefer-offline",
    "--prefer-online",
    "--offline",
    "--no-install",
    "--ignore-existing",
    "--bun",
    "--refresh",
    "--isolated",
    "--native-tls",
    "--verbose",
    "-v",
    "-A",
    "--allow-all",
    "--",
    "-s",
    "--system",
];
const ALONE_IMAGE: [&str; 15] = [
    "-i",
    "-t",
    "-it",
    "-ti",
    "-d",
    "-dit",
    "-P",
    "--publish-all",
    "--rm",
    "--init",
    "--interactive",
    "--tty",
    "--privileged",
    "--read-only",
    "--detach",
];

/// Flags that have a value.
const VALUED: [&str; 24] = [
    "-e",
    "--env",
    "--env-file",
    "-v",
    "--volume",
    "--mount",
    "--name",
    "--network",
    "-p",
    "--publish",
    "-u",
    "--user",
    "-w",
    "--workdir",
    "--entrypoint",
    "--platform",
    "--pull",
    "--add-host",
    "--with",
    "--python",
    "--index-url",
    "--extra-index-url",
    "--registry",
    "--cache",
];

/// The package: what one of `flags` names, else the first word that is neither a flag, nor the value
/// of one, nor a subcommand. A value must never be taken for a package, so an unknown flag is taken
/// to have one; and since it may have swallowed the package, there is none then.
fn named<'w>(words: &'w [String], flags: &[&str], subcommands: &[&str]) -> Option<&'w str> {
    named_among(words, flags, subcommands, &ALONE)
}

fn named_among<'w>(
    words: &'w [String],
    flags: &[&str],
    subcommands: &[&str],
    alone: &[&str],
) -> Option<&'w str> {
    let mut words = words.iter().map(String::as_str).peekable();
    let mut doubtful = false;
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            if !subcommands.contains(&word) {
                return (!doubtful).then_some(word);
            }
            continue;
        }
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word, None),
        };
        if flags.contains(&flag) {
            return value.or_else(|| words.next());
        }
        let alone =
            alone.contains(&flag) || flag.starts_with("--allow-") || flag.starts_with("--no-");
        if value.is_none() && !alone {
            let swallowed = words.next_if(|next| !next.starts_with('-'));
            doubtful |= swallowed.is_some() && !VALUED.contains(&flag);
        }
    }
    None
}

fn image(rest: &[String]) -> Option<From> {
    let at = rest.iter().position(|word| word == "run")?;
    package::oci(named_among(&rest[at + 1..], &[], &[], &ALONE_IMAGE)?)
}

/// The package that a file belongs to: `/…/node_modules/@scope/name/dist/index.js`.
fn in_node_modules(path: &str) -> Option<From> {
    let path = path.replace('\\', "/");
    let (_, inside) = path.rsplit_once("node_modules/")?;
    let mut parts = inside.split('/');
    let first = parts.next()?;
    match first.starts_with('@') {
        true => package::npm(&format!("{first}/{}", parts.next()?)),
        false => package::npm(first),
    }
}

/// A program's name without its folder and ending; none where it is not one that may be kept. What
/// stands behind the last slash of a line or of an assignment may be a key; of a folder with a space
/// in its name only what starts servers is kept.
pub(super) fn bare(word: &str) -> Option<String> {
    let other = word.contains('=') || word.contains("://");
    let spaced = word.trim().contains(char::is_whitespace);
    let name = name_of(word).filter(|_| !other)?;
    (!spaced || is_runner(&name)).then_some(name)
}

fn name_of(word: &str) -> Option<String> {
    let word = word.trim();
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let ending = [".exe", ".cmd", ".bat", ".ps1"];
    let name = ending
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name);
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._+".contains(&b));
    let fits = plain && (1..=64).contains(&name.len()) && !looks_secret(name);
    fits.then(|| name.to_owned())
}

/// The words with those that are command lines themselves taken apart: a whole line as the program,
/// or what a shell is told to run.
pub(super) fn whole(words: &[String]) -> Vec<String> {
    let line = |word: &String| word.trim().contains(char::is_whitespace) && !word.contains(": ");
    let parts = words.iter().flat_map(|word| match line(word) {
        true => split(word),
        false => vec![word.clone()],
    });
    parts.take(WORDS_MAX).collect()
}

/// The words of a command line; quotes hold words together.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut any) = (String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => (quote, any) = (Some(c), true),
            (None, _) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words.truncate(WORDS_MAX);
    words
}
