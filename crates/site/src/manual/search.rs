//! Search over the manual: in memory, section by section, by the beginnings of words.

use std::{collections::BTreeSet, ops::Range, sync::LazyLock};

use super::shelf::{PAGES, Page};

/// The longest query that is read, in characters.
pub(super) const QUERY_CHARS_MAX: usize = 200;
/// How many of its words are looked for.
const WORDS_MAX: usize = 8;
/// How many sections are answered.
const FOUND_MAX: usize = 20;
/// How much text is shown around the first place, in bytes to either side.
const AROUND: usize = 110;

/// A section of a document, made ready for search.
struct Entry {
    page: &'static Page,
    id: &'static str,
    heading: &'static str,
    text: &'static str,
    title_words: Vec<Word>,
    words: Vec<Word>,
}

/// A word in small letters, and where it stands.
struct Word {
    text: Box<str>,
    at: Range<usize>,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let parts = PAGES
        .iter()
        .flat_map(|page| page.body.parts.iter().map(move |part| (page, part)));
    parts
        .map(|(page, part)| Entry {
            page,
            id: &part.id,
            heading: &part.heading,
            text: &part.text,
            title_words: words(&part.heading),
            words: words(&part.text),
        })
        .collect()
});

/// A section that was found.
pub(super) struct Found {
    pub(super) path: String,
    /// The document's title and the section's heading.
    pub(super) document: &'static str,
    pub(super) heading: &'static str,
    /// Pieces of text around the first place; those that were asked for are marked.
    pub(super) snippet: Vec<(bool, String)>,
}

/// The best sections that have every word of the query, the best first.
pub(super) fn search(query: &str) -> Vec<Found> {
    let wanted = wanted(query);
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut scored: Vec<_> = ENTRIES
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| Some((entry.score(&wanted)?, at)))
        .collect();
    // Equals stay in the order of the manual.
    scored.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.cmp(y)));
    scored.truncate(FOUND_MAX);
    scored
        .into_iter()
        .map(|(_, at)| ENTRIES[at].found(&wanted))
        .collect()
}

fn wanted(query: &str) -> Vec<Box<str>> {
    let query: String = query.chars().take(QUERY_CHARS_MAX).collect();
    let words: BTreeSet<Box<str>> = query
        .split(|c: char| !is_part(c))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().into())
        .collect();
    words.into_iter().take(WORDS_MAX).collect()
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The words of a text; of a word with underscores its parts as well.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut push = |at: Range<usize>| {
        if !at.is_empty() {
            words.push(Word {
                text: text[at.clone()].to_lowercase().into(),
                at,
            });
        }
    };
    let mut begin = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (begin, is_part(c)) {
            (None, true) => begin = Some(at),
            (Some(from), false) => {
                push(from..at);
                let mut part = from;
                for (line, _) in text[from..at].match_indices('_') {
                    if part > from {
                        push(part..from + line);
                    }
                    part = from + line + 1;
                }
                if part > from {
                    push(part..at);
                }
                begin = None;
            }
            _ => {}
        }
    }
    words
}

impl Entry {
    /// How well it fits; none where a word is missing.
    fn score(&self, wanted: &[Box<str>]) -> Option<u32> {
        let mut score = 0;
        for word in wanted {
            let title = best(&self.title_words, word) * 12;
            let body = best(&self.words, word) * 2;
            let often = self
                .words
                .iter()
                .filter(|known| known.text == *word)
                .count();
            let one = title + body + u32::try_from(often.min(5)).unwrap_or(0);
            if title + body == 0 {
                return None;
            }
            score += one;
        }
        // A document's title before its sections, and the reference before the pages of faults.
        let first = u32::from(self.id.is_empty());
        Some(score * 4 + first * 2 + u32::from(!self.page.is_fault()))
    }

    fn found(&self, wanted: &[Box<str>]) -> Found {
        let anchor = match self.id {
            "" => String::new(),
            id => format!("#{id}"),
        };
        Found {
            path: format!("{}{anchor}", self.page.path()),
            document: &self.page.title,
            heading: self.heading,
            snippet: self.snippet(wanted),
        }
    }

    fn snippet(&self, wanted: &[Box<str>]) -> Vec<(bool, String)> {
        let hits: Vec<&Range<usize>> = self
            .words
            .iter()
            .filter(|word| wanted.iter().any(|wanted| word.text.starts_with(&**wanted)))
            .map(|word| &word.at)
            .collect();
        let middle = hits.first().map_or(0, |at| at.start);
        let from = self.text.floor_char_boundary(middle.saturating_sub(AROUND));
        let to = self
            .text
            .ceil_char_boundary((middle + AROUND * 2).min(self.text.len()));
        // Begins and ends at a blank where there is one.
        let from = match self.text[from..middle].find(' ') {
            Some(blank) if from > 0 => from + blank + 1,
            _ => from,
        };
        let to = match self.text[middle..to].rfind(' ') {
            Some(blank) if to < self.text.len() => middle + blank,
            _ => to,
        };
        let mut pieces = Vec::new();
        let mut done = from;
        for at in hits.iter().filter(|at| at.end <= to) {
            if at.start < done {
                continue;
            }
            pieces.push((false, self.text[done..at.start].to_owned()));
            pieces.push((true, self.text[(*at).clone()].to_owned()));
            done = at.end;
        }
        pieces.push((false, self.text[done..to.max(done)].to_owned()));
        if from > 0 {
            pieces.insert(0, (false, "… ".to_owned()));
        }
        if to < self.text.len() {
            pieces.push((false, " …".to_owned()));
        }
        pieces.retain(|(_, text)| !text.is_empty());
        pieces
    }
}

/// 2 where a word is there whole, 1 where one begins with it.
fn best(words: &[Word], wanted: &str) -> u32 {
    words
        .iter()
        .filter(|word| word.text.starts_with(wanted))
        .map(|word| {
            if word.text.len() == wanted.len() {
                2
            } else {
                1
            }
        })
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn the_right_section_comes_first() {
        for (query, path) in [
            ("shadow", "/docs/policy#trying-a-rule-in-shadow"),
            ("cursor", "/docs/clients#cursor"),
            ("bad_regex", "/docs/faults/bad_regex"),
            ("not available yet", "/docs/policy#not-available-yet"),
            ("performance", "/docs/performance"),
        ] {
            let found = search(query);
            let first = found.first().map(|found| found.path.as_str());
            assert_eq!(first, Some(path), "{query}");
        }
    }

    #[test]
    fn words_are_found_by_their_beginning_and_marked() {
        let found = search("TOLLGATE_SMTP");
        let marked = found.iter().flat_map(|found| &found.snippet);
        assert!(
            marked
                .into_iter()
                .any(|(hit, text)| *hit && text == "TOLLGATE_SMTP_URL")
        );
        assert!(
            !search("smtp").is_empty(),
            "a part of a word with underscores"
        );
        assert!(search("smtp zzzz").is_empty(), "every word must be there");
    }

    #[test]
    fn hostile_queries_are_harmless_and_quick() {
        // The index is made at the first search.
        search("policy");
        let long = "a ".repeat(50_000);
        let same = "policy ".repeat(1_000);
        for query in [
            "",
            "   ",
            "<script>alert(1)</script>",
            "\u{0}\u{202e}%_'\";--",
            "İİİİ ß ﬃ",
            "é".repeat(300).as_str(),
            &long,
            &same,
            "a e i o u s t p",
        ] {
            let begun = Instant::now();
            let found = search(query);
            let took = begun.elapsed();
            assert!(found.len() <= FOUND_MAX);
            // A release build takes well under 5 ms; this one is not optimised.
            assert!(took < Duration::from_millis(200), "{took:?}");
        }
    }
}
