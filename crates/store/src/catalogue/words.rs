//! The words that names, texts and questions are made of: what is put into the index and what is
//! asked of it are split by the same hand, so that Postgres parses neither.

/// How many words of one text are kept.
const TEXT_WORDS_MAX: usize = 64;
/// The last place that a word may have in a `tsvector`; what a longer text says is not searched.
const POSITION_MAX: u16 = 16_383;
/// How many words of a question are asked for; the others are passed over.
const ASKED_WORDS_MAX: usize = 8;
/// How many characters of a question are read.
const ASKED_CHARS_MAX: usize = 400;
/// Longer words are cut.
const WORD_CHARS_MAX: usize = 40;
/// A shorter word is only looked for whole.
const PREFIX_CHARS_MIN: usize = 3;

/// They say nothing in a description, and nearly every one has them.
const STOP: [&str; 24] = [
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "for", "from", "in", "is", "it", "of",
    "on", "or", "that", "the", "this", "to", "use", "with", "you",
];

/// A run of letters and digits, and the words it is made of.
struct Run {
    /// In small letters: `getpullrequest`.
    whole: String,
    /// Where it is of more than one: `get`, `pull`, `request`.
    parts: Vec<String>,
}

/// Runs of letters and digits, split where a capital begins a word.
fn runs(text: &str) -> impl Iterator<Item = Run> + '_ {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|run| !run.is_empty())
        .map(|run| {
            let parts = split(run);
            Run {
                whole: small(run),
                parts: if parts.len() > 1 { parts } else { Vec::new() },
            }
        })
}

/// `getHTTPRoute2` is `get`, `http` and `route2`.
fn split(run: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut before = ' ';
    let mut letters = run.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins = letter.is_uppercase()
            && (before.is_lowercase()
                || before.is_numeric()
                || (before.is_uppercase()
                    && letters.peek().is_some_and(|next| next.is_lowercase())));
        if begins && !part.is_empty() {
            parts.push(small(&std::mem::take(&mut part)));
        }
        part.push(letter);
        before = letter;
    }
    parts.push(small(&part));
    parts
}

fn small(word: &str) -> String {
    let lower = word.chars().flat_map(char::to_lowercase);
    // Lowering may leave a combining mark behind (`İ`), which is no letter of a word.
    lower
        .filter(|letter| letter.is_alphanumeric())
        .take(WORD_CHARS_MAX)
        .collect()
}

/// The words of a name, in order: `get pull request`.
pub(super) fn name_words(name: &str) -> String {
    let words = runs(name).flat_map(|run| match run.parts.is_empty() {
        true => vec![run.whole],
        false => run.parts,
    });
    words.take(TEXT_WORDS_MAX).collect::<Vec<_>>().join(" ")
}

/// What is searched, written as Postgres reads a `tsvector`.
#[derive(Default)]
pub(super) struct Index {
    text: String,
    position: u16,
}

impl Index {
    /// Adds the words of a text that weigh so much: `A` the most, `D` the least. Without those that
    /// say nothing, unless it is a name.
    pub(super) fn add(&mut self, text: &str, weight: char) {
        let mut room = TEXT_WORDS_MAX;
        for run in runs(text) {
            let stops = weight != 'A' && STOP.contains(&run.whole.as_str());
            if stops || room == 0 {
                continue;
            }
            room -= 1;
            self.push(&run.whole, weight);
            for part in &run.parts {
                self.push(part, weight);
            }
        }
    }

    fn push(&mut self, word: &str, weight: char) {
        use std::fmt::Write;
        if word.is_empty() || self.position >= POSITION_MAX {
            return;
        }
        self.position += 1;
        // Letters and digits only, so there is nothing to escape.
        let _ = write!(self.text, "'{word}':{}{weight} ", self.position);
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// A `tsquery` for names that have all these words, whole; none where there are none.
pub(super) fn exactly<W: AsRef<str>>(words: &[W]) -> Option<String> {
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("'{}':A", word.as_ref()))
        .collect();
    (!words.is_empty()).then(|| words.join(" & "))
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    words: Vec<Vec<String>>,
}

impl Asked {
    /// None where there is nothing but blanks: nothing is asked. Without words where there are only
    /// signs: nothing can answer.
    pub(super) fn new(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return None;
        }
        let text: String = text.chars().take(ASKED_CHARS_MAX).collect();
        let mut words: Vec<Vec<String>> = Vec::new();
        for run in runs(&text).filter(|run| !run.whole.is_empty()) {
            let mut word = vec![run.whole];
            word.extend(run.parts);
            if !words.contains(&word) {
                words.push(word);
            }
        }
        if words.iter().any(|word| !STOP.contains(&word[0].as_str())) {
            words.retain(|word| !STOP.contains(&word[0].as_str()));
        }
        words.truncate(ASKED_WORDS_MAX);
        Some(Self { words })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Each word as it was written, in small letters.
    pub(super) fn words(&self) -> Vec<String> {
        self.words.iter().map(|word| word[0].clone()).collect()
    }

    /// Each word replaced by the one that stands at its place.
    pub(super) fn respelt(words: Vec<String>) -> Self {
        let words = words.into_iter().map(|word| vec![word]).collect();
        Self { words }
    }

    /// The name that has just these words.
    pub(super) fn name(&self) -> String {
        let words = self.words.iter().flat_map(|word| match word.len() {
            1 => word.as_slice(),
            _ => &word[1..],
        });
        words.cloned().collect::<Vec<_>>().join(" ")
    }

    /// As Postgres reads a `tsquery`: every word, whole, as a beginning or in its parts; `weights`
    /// says where (`A`, `AB`; anywhere where it is empty).
    pub(super) fn query(&self, weights: &str) -> String {
        let words: Vec<String> = self.words.iter().map(|word| term(word, weights)).collect();
        words.join(" & ")
    }
}

fn term(word: &[String], weights: &str) -> String {
    let one = |word: &str| {
        let star = if word.chars().count() < PREFIX_CHARS_MIN {
            ""
        } else {
            "*"
        };
        match star.len() + weights.len() {
            0 => format!("'{word}'"),
            _ => format!("'{word}':{star}{weights}"),
        }
    };
    let mut ways = vec![one(&word[0])];
    if let Some(singular) = word[0].strip_suffix('s').filter(|rest| rest.len() > 2) {
        ways.push(match weights {
            "" => format!("'{singular}'"),
            _ => format!("'{singular}':{weights}"),
        });
    }
    if word.len() > 1 {
        let parts: Vec<String> = word[1..].iter().map(|part| one(part)).collect();
        ways.push(format!("({})", parts.join(" & ")));
    }
    format!("({})", ways.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_spelling_are_the_same_words() {
        for name in [
            "getHTTPRoute",
            "get-http_route",
            "Get.Http.Route",
            "GET http/route",
        ] {
            assert_eq!(name_words(name), "get http route", "{name}");
        }
        assert_eq!(name_words("s3_put2Times"), "s3 put2 times");
        assert_eq!(name_words("'; -- \\"), "");
    }

    #[test]
    fn a_name_is_found_whole_and_in_parts() {
        let mut index = Index::default();
        index.add("GitHub", 'A');
        index.add("of the Issues", 'D');
        assert_eq!(
            index.into_text(),
            "'github':1A 'git':2A 'hub':3A 'issues':4D "
        );
    }

    #[test]
    fn a_question_asks_for_every_word() {
        let asked = Asked::new("createIssue in the S3").expect("words");
        assert_eq!(
            asked.query(""),
            "('createissue':* | ('create':* & 'issue':*)) & ('s3')"
        );
        assert_eq!(asked.name(), "create issue s3");
        assert_eq!(
            Asked::new("issues").expect("a word").query("A"),
            "('issues':*A | 'issue':A)"
        );
        assert_eq!(Asked::new("a").expect("a word").query(""), "('a')");
        assert_eq!(Asked::new(" \t\n"), None);
        assert!(Asked::new("!*&|<->():'\\%").expect("signs").is_empty());
    }

    /// Whatever is asked, only letters and digits stand between the quotes.
    #[test]
    fn no_sign_of_a_question_reaches_the_query() {
        for text in [
            "a' & !b",
            "x:*",
            "'; drop table",
            "\\",
            "\0a",
            "a\u{301}b",
            "ǅ İ ß",
        ] {
            let Some(asked) = Asked::new(text) else {
                continue;
            };
            for word in asked.words() {
                assert!(word.chars().all(char::is_alphanumeric), "{word:?}");
            }
        }
        let long = "word ".repeat(2_000) + &"x".repeat(10_000);
        let query = Asked::new(&long).expect("words").query("");
        assert!(query.len() < 1_000, "{}", query.len());
    }

    /// Postgres knows no later place, and one line that goes beyond it must not stop a whole load.
    #[test]
    fn what_stands_too_late_is_not_searched() {
        let mut index = Index::default();
        for _ in 0..400 {
            index.add(&"word ".repeat(TEXT_WORDS_MAX), 'D');
        }
        let text = index.into_text();
        assert!(
            text.ends_with("'word':16383D "),
            "{}",
            &text[text.len() - 40..]
        );
    }
}
