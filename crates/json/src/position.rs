//! Places in a text as people count them.

/// Line and column, from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1. Lines end with LF, CR or CR LF.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

/// The place of a byte offset; offsets past the end are the end.
#[must_use]
pub fn position(text: &str, offset: usize) -> Position {
    positions(text, &[offset])[0]
}

/// The places of many byte offsets, in one pass if they are sorted.
#[must_use]
pub fn positions(text: &str, offsets: &[usize]) -> Vec<Position> {
    let mut walk = text.char_indices().peekable();
    let mut here = Position { line: 1, column: 1 };
    let mut reached = 0;
    offsets
        .iter()
        .map(|&offset| {
            if offset < reached {
                walk = text.char_indices().peekable();
                here = Position { line: 1, column: 1 };
            }
            reached = offset;
            while let Some((at, c)) = walk.next_if(|(at, c)| at + c.len_utf8() <= offset) {
                let ends_line = c == '\n' || (c == '\r' && !text[at + 1..].starts_with('\n'));
                here = if ends_line {
                    Position {
                        line: here.line.saturating_add(1),
                        column: 1,
                    }
                } else {
                    Position {
                        line: here.line,
                        column: here.column.saturating_add(1),
                    }
                };
            }
            here
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_all_three_ends() {
        let text = "a\né{\r\nü\rx";
        let places: Vec<_> = [0, 1, 2, 4, 5, 6, 7, 9, 10, 99]
            .iter()
            .map(|&offset| position(text, offset))
            .map(|p| (p.line, p.column))
            .collect();
        assert_eq!(
            places,
            [
                (1, 1),
                (1, 2),
                (2, 1),
                (2, 2),
                (2, 3),
                (2, 4),
                (3, 1),
                (3, 2),
                (4, 1),
                (4, 2)
            ]
        );
    }

    #[test]
    fn many_places_are_the_same_as_one_by_one() {
        let text = "{\n  \"a\": [1,\n2]\n}";
        let offsets: Vec<_> = (0..=text.len()).collect();
        let singly: Vec<_> = offsets.iter().map(|&o| position(text, o)).collect();
        assert_eq!(positions(text, &offsets), singly);
        let back: Vec<_> = offsets.iter().rev().copied().collect();
        assert!(positions(text, &back).into_iter().rev().eq(singly));
    }
}
