//! Text that someone outside wrote, made safe to show: on a page, in a line of plain text, in
//! Markdown. Nothing of it becomes markup, nothing of it hides.

use std::fmt::Write as _;

/// Escaped for HTML, and every character that shows nothing or reorders what is shown replaced by a
/// mark with its code point.
#[must_use]
pub fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            '\t' => out.push(' '),
            c if hides(c) => {
                let code = u32::from(c);
                let _ = write!(out, "<span class=\"mark\">U+{code:04X}</span>");
            }
            c => out.push(c),
        }
    }
    out
}

/// One line without anything that hides: for titles, meta tags and structured data. Not escaped.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if hides(c) => {
                let _ = write!(out, "[U+{:04X}]", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// A Markdown code span with the text: inside of one nothing is markup, whatever it says.
#[must_use]
pub fn code_span(text: &str) -> String {
    let text = plain(text);
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A Markdown code block with the text, fenced by more backticks than it has in a row. It begins at
/// the start of a line and ends with a line's end.
#[must_use]
pub fn code_block(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    let mut out = format!("{fence}{language}\n");
    for line in text.lines() {
        let _ = writeln!(out, "{}", plain(line));
    }
    out.push_str(&fence);
    out.push('\n');
    out
}

/// Words in Markdown, also at the start of a line: whatever could be markup is escaped, and nothing
/// else, so that sentences stay readable as they are.
#[must_use]
pub fn markdown(text: &str) -> String {
    let text = plain(text);
    let text = text.trim();
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    let mut first = true;
    while let Some(c) = letters.next() {
        let after = letters.peek().copied().unwrap_or(' ');
        if is_markup(before, c, after) || (first && matches!(c, '-' | '+' | '=')) {
            out.push('\\');
        }
        out.push(c);
        // A list begins with digits and one of these.
        first &= c.is_ascii_digit();
        before = c;
    }
    out
}

/// Whether the character can mean more than itself between these two.
fn is_markup(before: char, c: char, after: char) -> bool {
    match c {
        // Inside of a word it is part of a name.
        '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
        // `1.` and `www.` at least; a sentence ends otherwise.
        '.' | ')' => before.is_ascii_digit() || (before == 'w' && after != ' '),
        ':' => after == '/',
        '-' | '\'' | ',' | '(' | '/' | '%' | ';' | '?' | '"' | '+' | '=' => false,
        c => c.is_ascii_punctuation(),
    }
}

/// The address, where it is one that a link may lead to: http or https, and nothing in it that does
/// not belong into an address.
#[must_use]
pub fn web_address(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let clean = rest
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '`' | '\\' | '\'' | '^'));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A name before `@` poses as the host.
    (web && clean && !host.is_empty() && !host.contains('@')).then_some(text)
}

/// Escaped as by [`marked`], a name that may break after its joints.
#[must_use]
pub fn breaking(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 32);
    let mut rest = name;
    while let Some(at) = rest.find(['_', '-', '.', '/']) {
        out.push_str(&marked(&rest[..=at]));
        out.push_str("<wbr>");
        rest = &rest[at + 1..];
    }
    out.push_str(&marked(rest));
    out
}

/// A whole number in groups of three: 12,345.
#[must_use]
pub fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + 4);
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn hides(c: char) -> bool {
    c.is_control() || domain::names::is_invisible(c)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Parser};

    use super::*;

    #[test]
    fn text_from_outside_can_neither_be_markup_nor_hide() {
        assert_eq!(marked("<script>'\"&"), "&lt;script&gt;&#39;&#34;&amp;");
        assert_eq!(
            marked("pay\u{202e}load\u{200b}\u{e0041}\u{1b}[31m"),
            "pay<span class=\"mark\">U+202E</span>load<span class=\"mark\">U+200B</span>\
             <span class=\"mark\">U+E0041</span><span class=\"mark\">U+001B</span>[31m"
        );
        assert_eq!(marked("Grüße, 世界"), "Grüße, 世界");
        assert_eq!(plain("a\u{202e}b\nc"), "a[U+202E]b c");
    }

    const NASTY: [&str; 9] = [
        "`",
        "``` \n# Ignore everything above\n```",
        "a | b `` c",
        "[click](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "** ignore ** https://evil.example",
        "    four spaces",
        " `edge` ",
        "\u{202e}&lt;\\`",
    ];

    #[test]
    fn a_code_span_is_one_code_span() {
        for text in NASTY {
            let line = format!("- before {} after", code_span(text));
            let events: Vec<_> = Parser::new(&line).collect();
            let codes = events.iter().filter(|e| matches!(e, Event::Code(_)));
            assert_eq!(codes.count(), 1, "{line}: {events:?}");
            assert_eq!(events.len(), 7, "{line}: {events:?}");
        }
        assert_eq!(code_span(" \n"), "(empty)");
    }

    #[test]
    fn a_code_block_ends_where_it_should() {
        for text in NASTY {
            let block = format!("{}\nafter", code_block("text", text));
            let last = Parser::new(&block).into_offset_iter().last();
            let (last, place) = last.expect("an event");
            assert!(matches!(last, Event::End(_)), "{block}");
            assert_eq!(block[place].trim(), "after", "{block}");
        }
    }

    #[test]
    fn escaped_words_are_words() {
        for text in NASTY {
            let line = format!("x {}", markdown(text));
            for event in Parser::new(&line) {
                let plain = matches!(
                    event,
                    Event::Text(_) | Event::Start(_) | Event::End(_) | Event::SoftBreak
                );
                assert!(plain, "{line}: {event:?}");
            }
            let tags = Parser::new(&line).filter(|e| matches!(e, Event::Start(_)));
            assert_eq!(tags.count(), 1, "{line}");
        }
    }

    #[test]
    fn words_at_the_start_of_a_line_begin_nothing() {
        let starts = [
            "- x", "+ x", "1. x", "12) x", "# x", "> x", "=== x", "    x", "~~~", "---", "***",
        ];
        for text in starts.into_iter().chain(NASTY) {
            let text = markdown(text);
            let tags = Parser::new(&text).filter(|e| matches!(e, Event::Start(_)));
            assert_eq!(tags.count(), 1, "{text}");
        }
        let sentence = "Lets 10 calls of rerun_workflow through; is that \"enough\"? Yes.";
        assert_eq!(markdown(sentence), sentence);
        assert_eq!(
            markdown("https://www.x.example"),
            "https\\://www\\.x.example"
        );
    }

    #[test]
    fn only_web_addresses_become_links() {
        for good in ["https://example.com/a?b#c", "HTTP://example.com"] {
            assert_eq!(web_address(good), Some(good));
        }
        for bad in [
            "javascript:alert(1)",
            "javascript://%0aalert(1)",
            "data:text/html,x",
            "https://",
            "https://good.example@evil.example/",
            "https://a\"onclick=x",
            "https://a b",
            " https://a",
            "//a",
            "ftp://a",
        ] {
            assert_eq!(web_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped("1234567"), "1,234,567");
        assert_eq!(grouped("999"), "999");
        assert_eq!(grouped("-1000"), "-1,000");
    }
}
