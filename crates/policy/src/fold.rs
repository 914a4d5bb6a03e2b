//! Keys and names that a lenient reader would take for one another.

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

/// A text as the most lenient reader sees it: cut at NUL, in compatibility form, without case,
/// without `_` and `-`, without blanks at its ends. Two texts are confusable if these are equal.
///
/// The form is that of Unicode's compatibility caseless match (The Unicode Standard, D146), which
/// tells apart exactly what NFKC and case folding tell apart.
pub(crate) fn fold(text: &str) -> String {
    let mut folded: String = lenient(text).collect();
    folded.truncate(folded.trim_end().len());
    folded
}

/// A key of a path, with what it could be confused with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) text: Box<str>,
    folded: Box<str>,
}

/// What one key is to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// The same, byte for byte.
    Same,
    /// Another one that a lenient reader could take for it.
    Confusable,
    Other,
}

impl Key {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            folded: fold(text).into(),
        }
    }

    /// What a member's key is to this one. Stops at the first difference, since an agent can send
    /// an object with very many keys.
    #[inline]
    pub(crate) fn meets(&self, other: &str) -> Meeting {
        // Most keys differ in their first character. One of these stands for itself in every form,
        // so nothing that begins with another folds to this key.
        if let Some(first) = other
            .as_bytes()
            .first()
            .filter(|b| b.is_ascii_alphanumeric())
            && self.folded.as_bytes().first() != Some(&first.to_ascii_lowercase())
        {
            return Meeting::Other;
        }
        match other == &*self.text {
            true => Meeting::Same,
            false if self.resembles(other) => Meeting::Confusable,
            false => Meeting::Other,
        }
    }

    /// Whether another text folds to this key.
    fn resembles(&self, other: &str) -> bool {
        let ascii = until_nul(other);
        if ascii.is_ascii() {
            let quick = ascii
                .bytes()
                .filter(|b| !matches!(b, b'_' | b'-'))
                .map(|b| char::from(b.to_ascii_lowercase()))
                .skip_while(|c| c.is_whitespace());
            return self.begins(quick);
        }
        self.begins(lenient(other))
    }

    /// Whether the characters are the folded key, and after it blanks alone.
    fn begins(&self, mut other: impl Iterator<Item = char>) -> bool {
        self.folded.chars().all(|c| other.next() == Some(c)) && other.all(char::is_whitespace)
    }
}

fn until_nul(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

/// The characters of a folded text, blanks at its end included.
fn lenient(text: &str) -> impl Iterator<Item = char> {
    until_nul(text)
        .chars()
        .nfd()
        .default_case_fold()
        .nfkd()
        .default_case_fold()
        .nfkd()
        .filter(|c| !matches!(c, '_' | '-'))
        .skip_while(|c| c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusable(one: &str, other: &str) -> bool {
        Key::new(one).meets(other) == Meeting::Confusable
    }

    /// The quick ways to tell keys apart agree with the definition: equal when folded.
    #[test]
    fn the_quick_ways_agree_with_the_definition() {
        let texts = [
            "a",
            "A",
            "ab",
            "a_b",
            "-ab",
            " ab",
            "ab ",
            "a b",
            "a\u{301}",
            "\u{e1}",
            "\u{c1}",
            "b",
            "\u{ff41}b",
            "ab\0c",
            "\0ab",
            "",
            "_",
            "\u{212a}",
            "k",
            "1",
            "\u{2460}",
            "\u{fb00}",
            "ff",
            "\u{1e9e}",
            "ss",
            "\u{a0}a\u{a0}",
            "\u{3c3}",
            "\u{3c2}",
            "\u{131}",
            "i",
        ];
        for one in texts {
            for other in texts {
                let alike = one != other && fold(one) == fold(other);
                assert_eq!(confusable(one, other), alike, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn lenient_readers_are_fooled_by_these_and_only_these() {
        let key = "workflow_id";
        for other in [
            "workflowId",
            "WORKFLOW_ID",
            "workflow-id",
            " workflow_id",
            "workflow_id\t",
            "workflowid",
            "workflow_id\0x",
            "ｗorkflow_id",
            "work\u{FB02}ow_id",
            "_workflow__id_",
            "workflow_ıd",
        ] {
            // The Turkish dotless i folds to itself, so it is another letter.
            assert_eq!(confusable(key, other), other != "workflow_ıd", "{other:?}");
        }
        for other in [
            "workflow_id",
            "workflow id",
            "workflow",
            "workflow_id2",
            "\0workflow_id",
            "",
        ] {
            assert!(!confusable(key, other), "{other:?}");
        }
        assert!(confusable("straße", "STRASSE"));
        assert!(confusable("K", "\u{212A}"), "the Kelvin sign");
        assert!(confusable("é", "e\u{301}"));
        assert!(confusable("a\u{a0}", "a"), "a no-break space is a blank");
    }
}
