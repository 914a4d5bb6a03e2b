//! A fault at its place: the lines around it, with a caret under the character.

use policy::Fault;

/// How much of a long line is shown around the place.
const WIDTH: usize = 110;

/// One fault or warning as a page shows it.
pub(crate) struct Finding {
    pub(crate) fault: Fault,
    pub(crate) lines: Vec<Line>,
}

/// A line of an excerpt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) text: String,
    /// Blanks up to the place, where this is the line.
    pub(crate) caret: Option<String>,
}

impl Finding {
    pub(crate) fn new(fault: Fault, text: &str) -> Self {
        let lines = excerpt(text, fault.line, fault.column);
        Self { fault, lines }
    }
}

fn excerpt(text: &str, line: u32, column: u32) -> Vec<Line> {
    let at = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let from = column.saturating_sub(WIDTH * 2 / 3);
    text.split('\n')
        .enumerate()
        .map(|(index, text)| (index + 1, text.trim_end_matches('\r')))
        .skip(at.saturating_sub(2))
        .take(if at == 1 { 2 } else { 3 })
        .map(|(number, text)| Line {
            number,
            text: text
                .chars()
                .skip(from)
                .take(WIDTH)
                .map(|c| if c == '\t' { ' ' } else { c })
                .collect(),
            caret: (number == at).then(|| " ".repeat(column - 1 - from.min(column - 1))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let lines = excerpt("{\n\t\"a\": 1,\n  \"b\": x\n}", 3, 8);
        let shown: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.text.as_str()))
            .collect();
        assert_eq!(shown, [(2, " \"a\": 1,"), (3, "  \"b\": x"), (4, "}")]);
        assert_eq!(lines[1].caret.as_deref(), Some("       "));
        assert_eq!(lines[0].caret, None);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place_and_an_empty_text_is_fine() {
        let text = "x".repeat(1000);
        let lines = excerpt(&text, 1, 500);
        let caret = lines[0].caret.as_deref().map_or(0, str::len);
        assert!(lines[0].text.len() == WIDTH && caret < WIDTH, "{caret}");
        assert_eq!(excerpt("", 1, 1).len(), 1);
        assert_eq!(excerpt("a", 9, 9).len(), 0);
    }
}
