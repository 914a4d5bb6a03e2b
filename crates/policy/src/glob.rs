//! Tool names, and globs over them.

use std::cmp::{Ordering, Reverse};

use domain::ToolName;

/// A tool's name, or a pattern in which `*` stands for any run of characters, also an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    text: Box<str>,
    exact: bool,
}

impl Glob {
    /// The rule is that of [`ToolName`]: what no call can name needs no rule.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.contains("**") {
            return Err("one * already stands for any run of characters".to_owned());
        }
        match text.parse::<ToolName>() {
            Ok(_) => Ok(Self {
                text: text.into(),
                exact: !text.contains('*'),
            }),
            Err(bad) => Err(format!("a tool's name {bad}")),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is a plain name.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// How much of it is literal: the longer, the closer it fits.
    pub(crate) fn literal_length(&self) -> usize {
        self.text.bytes().filter(|&b| b != b'*').count()
    }

    /// Which of two that match the same tool applies: the exact name first, then the glob with the
    /// longest literal text, of equals the lexicographically first.
    pub(crate) fn by_closeness(&self, other: &Self) -> Ordering {
        let key = |glob: &Self| (!glob.exact, Reverse(glob.literal_length()));
        key(self)
            .cmp(&key(other))
            .then_with(|| self.text.cmp(&other.text))
    }

    /// Whether there is a name that both match, of two that have a star: there is one if and only
    /// if their beginnings go together and their ends do, since stars take whatever is between.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let (Some((a, _)), Some((b, _))) = (self.text.split_once('*'), other.text.split_once('*'))
        else {
            return self.matches(&other.text) || other.matches(&self.text);
        };
        let (Some((_, y)), Some((_, z))) =
            (self.text.rsplit_once('*'), other.text.rsplit_once('*'))
        else {
            return false;
        };
        (a.starts_with(b) || b.starts_with(a)) && (y.ends_with(z) || z.ends_with(y))
    }

    /// Compares byte for byte, in time linear in both lengths: each part between stars is looked
    /// for once, and taking the first place where it stands never spoils what comes after.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if self.exact {
            return *self.text == *name;
        }
        let Some((first, rest)) = self.text.split_once('*') else {
            return false;
        };
        let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(middle) = name
            .strip_prefix(first)
            .and_then(|after_first| after_first.strip_suffix(last))
        else {
            return false;
        };
        let mut left = middle;
        between.split('*').all(|part| match left.find(part) {
            Some(at) => {
                left = &left[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_also_an_empty_one() {
        for (glob, yes, no) in [
            ("*", &["a", "get_x"][..], &[][..]),
            (
                "get_*",
                &["get_", "get_x", "get_*"],
                &["get", "aget_x", "GET_x"],
            ),
            (
                "*_delete",
                &["x_delete", "_delete"],
                &["x_delete2", "delete"],
            ),
            ("a*b*c", &["abc", "aXbYc", "abbcbc"], &["ab", "acb", "abcd"]),
            ("run", &["run"], &["run_", "ru"]),
            // The ends may not share what stands in between.
            ("ab*ba", &["abba", "abXba"], &["aba"]),
            ("*a*", &["a", "xay"], &["x", ""]),
            ("a*aa*a", &["aaaa", "aXaaa"], &["aaa"]),
        ] {
            let glob = Glob::parse(glob).unwrap();
            for name in yes {
                assert!(glob.matches(name), "{glob:?} {name}");
            }
            for name in no {
                assert!(!glob.matches(name), "{glob:?} {name}");
            }
        }
    }

    #[test]
    fn globs_overlap_if_some_name_matches_both() {
        let names = ["a", "ab", "aab", "abb", "ba", "b", "abab", "aba"];
        for (one, other, expected) in [
            ("a*", "*b", true),
            ("a*", "b*", false),
            ("*", "x*y", true),
            ("*a", "*b", false),
            ("a*b", "ab*", true),
            ("a*b*a", "*", true),
            ("a*c", "ab*bc", true),
            ("get", "g*", true),
            ("get", "s*", false),
        ] {
            let (one, other) = (Glob::parse(one).unwrap(), Glob::parse(other).unwrap());
            assert_eq!(one.overlaps(&other), expected, "{one:?} {other:?}");
            assert_eq!(other.overlaps(&one), expected, "{one:?} {other:?}");
            let found = names
                .iter()
                .any(|name| one.matches(name) && other.matches(name));
            assert!(expected || !found, "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_no_call_can_name_is_refused() {
        for bad in ["", "a b", "gét", "a**", "a\u{200b}", &"x".repeat(129)] {
            assert!(Glob::parse(bad).is_err(), "{bad:?}");
        }
    }
}
