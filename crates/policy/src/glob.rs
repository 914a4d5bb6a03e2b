//! Tool names, and globs over them.

use domain::ToolName;

/// A tool's name, or a pattern in which `*` stands for any run of characters, also an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob(Box<str>);

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
            Ok(_) => Ok(Self(text.into())),
            Err(bad) => Err(format!("a tool's name {bad}")),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether it is a plain name.
    pub(crate) fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// How much of it is literal: the longer, the closer it fits.
    pub(crate) fn literal_length(&self) -> usize {
        self.0.bytes().filter(|&b| b != b'*').count()
    }

    /// Compares byte for byte. Time is at most the product of both lengths, each at most 128.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let (glob, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut g, mut n) = (0, 0);
        // Where the last star was, and how much of the name it stands for so far.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            match (glob.get(g), star) {
                (Some(b'*'), _) => {
                    star = Some((g, n));
                    g += 1;
                }
                (Some(&byte), _) if byte == name[n] => {
                    g += 1;
                    n += 1;
                }
                (_, Some((at, taken))) => {
                    star = Some((at, taken + 1));
                    g = at + 1;
                    n = taken + 1;
                }
                (_, None) => return false,
            }
        }
        glob[g..].iter().all(|&byte| byte == b'*')
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
    fn what_no_call_can_name_is_refused() {
        for bad in ["", "a b", "gét", "a**", "a\u{200b}", &"x".repeat(129)] {
            assert!(Glob::parse(bad).is_err(), "{bad:?}");
        }
    }
}
