//! What was probably meant.

/// The candidate that is the fewest edits away from what was written, if few enough: at most a
/// third of its length, and never more than three.
pub(crate) fn nearest<'c>(
    written: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let mut budget = (written.chars().count() / 3).clamp(1, 3);
    let mut best = None;
    for candidate in candidates {
        if let Some(distance) = distance(written, candidate, budget)
            && (best.is_none() || distance < budget)
        {
            budget = distance;
            best = Some(candidate);
        }
    }
    best
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment), without
/// regard to case, if at most `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit * 4 {
        return None;
    }
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, &y) in b.iter().enumerate() {
            let mut cost = (above[j] + usize::from(x != y))
                .min(above[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        if row.iter().min().is_some_and(|&least| least > limit) {
            return None;
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|&distance| distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_hand_are_recognised() {
        let fields = ["require", "deny_if", "limits", "rate_limit", "analyze_diff"];
        for (written, meant) in [
            ("limit", Some("limits")),
            ("requires", Some("require")),
            ("denyif", Some("deny_if")),
            ("deny_fi", Some("deny_if")),
            ("analyse_diff", Some("analyze_diff")),
            ("LIMITS", Some("limits")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(written, fields), meant, "{written}");
        }
    }
}
