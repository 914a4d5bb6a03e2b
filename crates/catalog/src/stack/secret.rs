//! What looks like a credential.
//!
//! Nothing is kept because it does not look like one: this is asked of what a name, a package or a
//! path may be, as a second look, and to count what stands in plain text.

/// The member that says how many were dropped.
pub(super) const REMOVED: &str = "removed";

/// Beginnings that issuers give their keys.
const PREFIXES: [&str; 40] = [
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "xapp-",
    "AKIA",
    "ASIA",
    "eyJ",
    "AIza",
    "ya29.",
    "tg_",
    "npm_",
    "pypi-",
    "hf_",
    "lin_",
    "ntn_",
    "secret_",
    "dop_v1_",
    "SG.",
    "key-",
    "whsec_",
    "shpat_",
    "sbp_",
    "figd_",
    "CCIPAT",
    "ATATT",
    "dckr_pat_",
    "pat-",
    "r8_",
    "gsk_",
    "tvly-",
    "-----BEGIN",
];
/// Of these a word of the language could begin so; a digit has to follow.
const DOUBTFUL: [&str; 8] = [
    "sk-", "sk_", "npm_", "pypi-", "lin_", "secret_", "key-", "pat-",
];
/// How many characters follow such a beginning at least.
const AFTER_PREFIX: usize = 8;

/// Words that say of a name that its value is a credential.
const SENSITIVE: [&str; 13] = [
    "token",
    "key",
    "secret",
    "passw",
    "pwd",
    "auth",
    "credential",
    "cookie",
    "_pat",
    "dsn",
    "private",
    "bearer",
    "connection",
];

/// Whether a value of this name is most likely a credential.
pub(super) fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SENSITIVE.iter().any(|word| name.contains(word))
}

/// Whether the value stands elsewhere: `${input:token}`, `$TOKEN`, `%TOKEN%`, `{env:TOKEN}`,
/// `<your token>`. Also an empty one.
pub(super) fn is_reference(value: &str) -> bool {
    let value = value.trim();
    let value = value.strip_prefix("Bearer ").unwrap_or(value).trim();
    let wrapped = |open: &str, close: &str| value.starts_with(open) && value.ends_with(close);
    value.is_empty()
        || wrapped("${", "}")
        || wrapped("{env:", "}")
        || wrapped("{file:", "}")
        || wrapped("<", ">")
        || (value.len() > 2 && wrapped("%", "%"))
        || value.strip_prefix('$').is_some_and(is_variable)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether some part of a text looks like a credential: by its beginning, or because nobody would
/// choose it as a word.
pub(super) fn looks_secret(text: &str) -> bool {
    let between = |c: char| c.is_ascii_whitespace() || "=:,\"'/?&@;|<>()[]{}\\".contains(c);
    text.split(between).any(is_key)
}

fn is_key(piece: &str) -> bool {
    let begins = |from: &str, prefix: &str| {
        from.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= AFTER_PREFIX
                && (!DOUBTFUL.contains(&prefix) || rest.bytes().any(|b| b.is_ascii_digit()))
        })
    };
    let mut before = '-';
    let starts = piece.char_indices().filter(|(_, c)| {
        let starts = !before.is_ascii_alphanumeric();
        before = *c;
        starts
    });
    let mut starts = starts.map(|(at, _)| &piece[at..]);
    starts.any(|from| PREFIXES.iter().any(|prefix| begins(from, prefix)))
        || is_uuid(piece)
        || piece
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(is_dense)
}

fn is_uuid(piece: &str) -> bool {
    let parts: Vec<&str> = piece.split('-').collect();
    let lengths = parts.iter().map(|part| part.len());
    lengths.eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| is_hex(part))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A run of letters and digits that changes its kind too often to be words.
fn is_dense(run: &str) -> bool {
    let bytes = run.as_bytes();
    let kind = |b: &u8| match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        _ => 2,
    };
    let n = bytes.len();
    let digits = bytes.iter().filter(|b| kind(b) == 0).count();
    let turns = bytes
        .windows(2)
        .filter(|pair| kind(&pair[0]) != kind(&pair[1]))
        .count();
    (n >= 16 && digits > 0 && turns >= 5)
        || (n >= 20 && turns * 100 > n * 42)
        || (n >= 20 && digits == n)
        || (n >= 24 && is_hex(run))
}

/// How many credentials these arguments have in plain text.
pub(super) fn count_in(args: &[String]) -> u32 {
    let mut count = 0;
    let mut args = args.iter().map(String::as_str).peekable();
    while let Some(arg) = args.next() {
        if is_plain(arg) {
            count += 1;
            // `--token abc`: both are one.
            if arg.starts_with('-') {
                args.next_if(|value| !value.starts_with('-'));
            }
            continue;
        }
        let bare = arg.starts_with('-') && !arg.contains('=') && is_sensitive(arg);
        if bare && let Some(value) = args.next_if(|value| !value.starts_with('-')) {
            count += u32::from(!is_reference(value));
        }
    }
    count
}

/// Whether one argument holds a credential by itself.
fn is_plain(arg: &str) -> bool {
    if arg.starts_with("http://") || arg.starts_with("https://") {
        return super::url::clean(arg).1 > 0;
    }
    if has_password(arg) {
        return true;
    }
    let split = arg.split_once('=').or_else(|| arg.split_once(": "));
    match split {
        Some((name, value)) if is_sensitive(name) => !is_reference(value),
        Some((_, value)) => !is_reference(value) && looks_secret(value),
        None => looks_secret(arg),
    }
}

/// Whether an address of any kind holds a password: `postgresql://user:pass@host/db`.
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    match rest.rsplit_once('@') {
        Some((user, _)) => user
            .split_once(':')
            .is_some_and(|(_, password)| !password.is_empty() && !is_reference(password)),
        None => false,
    }
}

/// The same of a table of names and values: env or headers.
pub(super) fn count_of<'v>(pairs: impl Iterator<Item = (&'v str, &'v str)>) -> u32 {
    let plain = pairs.filter(|(name, value)| {
        !is_reference(value) && (is_sensitive(name) || looks_secret(value) || has_password(value))
    });
    u32::try_from(plain.count()).unwrap_or(u32::MAX)
}
