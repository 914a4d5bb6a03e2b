//! What changed between two versions, line by line.

/// How many lines of each text are compared; beyond that, both are simply shown whole. The work is
/// their product.
const LINES_MAX: usize = 3_000;
/// How many unchanged lines stand around a change.
const CONTEXT: usize = 2;

/// A line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line<'t> {
    Same(&'t str),
    Gone(&'t str),
    New(&'t str),
    /// So many unchanged lines that are left out.
    Skipped(usize),
}

/// A comparison as pages show it: sign, class and text of each line. Empty where the texts are the
/// same.
#[derive(Debug, Default)]
pub(crate) struct Compared(pub(crate) Vec<(&'static str, &'static str, String)>);

impl Compared {
    pub(crate) fn between(old: &str, new: &str) -> Self {
        let shown = |line| match line {
            Line::Same(text) => ("", "same", text.to_owned()),
            Line::Gone(text) => ("−", "gone", text.to_owned()),
            Line::New(text) => ("+", "new", text.to_owned()),
            Line::Skipped(1) => ("", "skipped", "1 line the same".to_owned()),
            Line::Skipped(n) => ("", "skipped", format!("{n} lines the same")),
        };
        Self(between(old, new).into_iter().map(shown).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The lines that changed, with a little around them. Empty where the texts are the same.
fn between<'t>(old: &'t str, new: &'t str) -> Vec<Line<'t>> {
    let (old, new): (Vec<_>, Vec<_>) = (
        old.trim_end().lines().collect(),
        new.trim_end().lines().collect(),
    );
    if old == new {
        return Vec::new();
    }
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        let gone = old.into_iter().map(Line::Gone);
        return gone.chain(new.into_iter().map(Line::New)).collect();
    }
    fold(aligned(&old, &new))
}

/// All lines, aligned by their longest common subsequence.
fn aligned<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Line<'t>> {
    // longest[i][j] is the length for old[i..] and new[j..], in one flat table.
    let width = new.len() + 1;
    let mut longest = vec![0_u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if old[i] == new[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1])
        {
            lines.push(Line::Gone(old[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines
}

/// Leaves out what did not change, but for a little context.
fn fold(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let changed: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !matches!(line, Line::Same(_)))
        .map(|(at, _)| at)
        .collect();
    let near = |at: usize| {
        let next = changed.partition_point(|change| *change < at);
        let after = changed
            .get(next)
            .is_some_and(|change| change - at <= CONTEXT);
        let before = next > 0 && at - changed[next - 1] <= CONTEXT;
        after || before
    };
    let mut out = Vec::new();
    let mut skipped = 0;
    for (at, line) in lines.into_iter().enumerate() {
        if near(at) {
            if skipped > 0 {
                out.push(Line::Skipped(skipped));
                skipped = 0;
            }
            out.push(line);
        } else {
            skipped += 1;
        }
    }
    if skipped > 0 {
        out.push(Line::Skipped(skipped));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_stand_among_their_neighbours() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n";
        assert_eq!(
            between(old, new),
            [
                Line::Skipped(2),
                Line::Same("3"),
                Line::Same("4"),
                Line::Gone("5"),
                Line::New("five"),
                Line::Same("6"),
                Line::Same("7"),
                Line::Same("8"),
                Line::Same("9"),
                Line::New("10"),
            ]
        );
    }

    #[test]
    fn equal_texts_have_no_difference_and_empty_ones_are_fine() {
        assert_eq!(between("a\nb\n", "a\nb"), []);
        assert_eq!(between("", "a"), [Line::New("a")]);
        assert_eq!(between("a", ""), [Line::Gone("a")]);
    }
}
