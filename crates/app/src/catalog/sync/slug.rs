//! Slugs for the names that a registry has.
//!
//! Two names never have one slug, or one publisher could put an entry in the place of another's. A
//! plain name is its own slug, with signs written as hyphens: `io.github.user/some-server` is
//! `io-github-user--some-server`. It can be read back, because a plain namespace has dots only, the
//! name after it hyphens only, and neither has two signs in a row. Every other name has a digest of
//! the whole name at its end, and with it a second `--`, which no plain one has.

/// The longest name that a registry may have.
const NAME_BYTES_MAX: usize = 200;
/// What can be read of a slug is no longer, so that an address stays one that people can copy.
const READABLE_BYTES_MAX: usize = 80;
/// Bytes of the digest. Nobody finds a second name for one, and who makes two of one's own has nobody
/// to harm but oneself.
const DIGEST_BYTES: usize = 12;

/// The slug of a registry's name.
///
/// # Errors
/// Why that is no such name.
pub(super) fn slug(name: &str) -> Result<String, String> {
    let refused = || "the name must be as io.github.user/server".to_owned();
    let (space, own) = name.split_once('/').ok_or_else(refused)?;
    let (space_read, own_read) = (readable(space), readable(own));
    let fits = name.len() <= NAME_BYTES_MAX && [space, own].iter().all(|part| is_part(part));
    if !fits || space_read.is_empty() || own_read.is_empty() {
        return Err(refused());
    }
    let read = format!("{space_read}--{own_read}");
    if is_plain(space, '.') && is_plain(own, '-') && read.len() <= READABLE_BYTES_MAX {
        return Ok(read);
    }
    let short: String = read.chars().take(READABLE_BYTES_MAX).collect();
    Ok(format!("{}--{}", short.trim_end_matches('-'), digest(name)))
}

fn is_part(part: &str) -> bool {
    let sign = |letter: char| matches!(letter, '.' | '-' | '_');
    part.chars()
        .all(|letter| letter.is_ascii_alphanumeric() || sign(letter))
}

/// Small letters and digits, with single `joint`s between them.
fn is_plain(part: &str, joint: char) -> bool {
    part.split(joint).all(|word| {
        let small = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        !word.is_empty() && word.chars().all(small)
    })
}

/// In small letters, with one hyphen for each run of signs.
fn readable(part: &str) -> String {
    let words = part.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}

fn digest(name: &str) -> String {
    vault::hex(&vault::sha256(name.as_bytes())[..DIGEST_BYTES])
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_name_can_be_read() {
        for (name, expected) in [
            ("io.github.user/some-server", "io-github-user--some-server"),
            ("com.example/mcp", "com-example--mcp"),
        ] {
            assert_eq!(slug(name).as_deref(), Ok(expected));
        }
        let other = slug("io.github.Some-User/Big_Server").expect("a slug");
        let digest = other.strip_prefix("io-github-some-user--big-server--");
        assert_eq!(digest.map(str::len), Some(2 * DIGEST_BYTES), "{other}");
    }

    /// Each of these could be had by somebody else than the first.
    #[test]
    fn no_publisher_gets_the_slug_of_another() {
        let names = [
            "io.github.foo/bar-baz",
            "io.github.foo-bar/baz",
            "io.github.foo.bar/baz",
            "io.github-foo.bar/baz",
            "io.github.foo/bar.baz",
            "io.github.foo/bar_baz",
            "io.github.foo/bar--baz",
            "io.github.foo/Bar-Baz",
            "io.github.Foo/bar-baz",
            "io.github.foo--bar/baz",
            "io.github.foo/bar-baz-",
            "io-github-foo/bar-baz",
            "io/github.foo-bar-baz",
        ];
        let mut of = HashMap::new();
        for name in names {
            let before = of.insert(slug(name).expect("a slug"), name);
            assert_eq!(before, None, "{name}");
        }
        // Nor can a name be made to end as another's slug does.
        let theirs = slug("io.github.foo/bar_baz").expect("a slug");
        let digest = theirs.rsplit_once("--").expect("a digest").1;
        for forged in [
            format!("io.github.foo/bar-baz--{digest}"),
            format!("io.github.foo/bar-baz/{digest}"),
            format!("io.github.foo--bar-baz/{digest}"),
        ] {
            assert_ne!(slug(&forged), Ok(theirs.clone()), "{forged}");
        }
    }

    #[test]
    fn what_is_no_name_has_none() {
        let long = format!("io.github.a/{}", "x".repeat(200));
        for name in [
            "", "/", "a", "a/", "/a", "a/-", "../etc", "a/b/c", "a b/c", "a/\u{1b}", "é/a", &long,
        ] {
            assert!(slug(name).is_err(), "{name}");
        }
    }

    fn any_name() -> impl Strategy<Value = String> {
        // Few letters, so that names are alike.
        prop_oneof![
            "[aB.-]{1,5}/[aB._-]{1,5}",
            "[a-zA-Z0-9.-]{1,99}/[a-zA-Z0-9._-]{1,99}",
        ]
    }

    proptest! {
        #[test]
        fn two_names_never_have_one_slug(one in any_name(), other in any_name()) {
            if let (Ok(a), Ok(b)) = (slug(&one), slug(&other)) {
                prop_assert_eq!(a == b, one == other, "{} {}", a, b);
            }
        }

        #[test]
        fn a_slug_is_one_of_the_catalogue(name in any_name()) {
            if let Ok(slug) = slug(&name) {
                prop_assert!(slug.len() <= READABLE_BYTES_MAX + 2 + 2 * DIGEST_BYTES);
                let line = serde_json::json!({ "slug": slug, "name": "x" }).to_string();
                let read = catalog::read_entry(&line, domain::catalogue::Origin::Registry);
                prop_assert_eq!(read.expect("a line").server.slug, slug);
            }
        }
    }
}
