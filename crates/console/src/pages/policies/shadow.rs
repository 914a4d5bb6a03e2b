//! The rules that only record: what each would have refused lately, and the way to make it refuse.

use std::fmt::Write as _;

use domain::{PolicyId, Scope};
use policy::{
    Mode,
    builder::{At, Edit, Outline, Rule, apply, outline},
};
use store::audit::ShadowRule;
use time::{Duration, OffsetDateTime};

use crate::{actions::examine, pages::PageError, state::Console};

/// The bins of a day, and of a week.
const DAY_BINS: u16 = 24;
const WEEK_BINS: u16 = 28;

/// The panel; nothing is shown where no rule is in shadow.
#[derive(Default)]
pub(super) struct Shadow {
    pub(super) rules: Vec<Row>,
    /// Since when hits are counted, where a day or week had more calls than are looked through.
    pub(super) since: Option<OffsetDateTime>,
}

/// One rule in shadow.
pub(super) struct Row {
    /// Where it stands in the text.
    pub(super) pointer: String,
    /// The pointer by which decisions name it: a limit by its counter.
    pub(super) named: String,
    /// Names what stands there, so that promoting it promotes no other.
    pub(super) mark: String,
    pub(super) line: usize,
    pub(super) sentence: String,
    pub(super) day: Hits,
    pub(super) week: Hits,
}

/// Calls that a rule would have refused or held.
#[derive(Default)]
pub(super) struct Hits {
    pub(super) total: i64,
    pub(super) grants: i64,
    bins: Vec<i64>,
}

impl Shadow {
    /// The rules in shadow of a text, with what they would have done under any version of the
    /// policy. A new policy has none.
    pub(super) async fn of(
        console: &Console,
        scope: &Scope,
        id: PolicyId,
        text: &str,
    ) -> Result<Self, PageError> {
        let text = text.to_owned();
        let rows = console.desk.work(move || rows(&text)).await?;
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let now = OffsetDateTime::now_utc();
        let (day_from, week_from) = (now - Duration::DAY, now - Duration::WEEK);
        let day = examine::shadow(console, scope, id, (day_from, now), DAY_BINS).await?;
        let week = examine::shadow(console, scope, id, (week_from, now), WEEK_BINS).await?;
        let cut = week.from.max(day.from);
        let rules = rows.into_iter().map(|row| Row {
            day: Hits::of(&day.rules, &row.named),
            week: Hits::of(&week.rules, &row.named),
            ..row
        });
        Ok(Self {
            rules: rules.collect(),
            since: (week.from > week_from || day.from > day_from).then_some(cut),
        })
    }
}

/// Whether a rule of the text only records.
pub(super) fn is_in(text: &str) -> bool {
    !rows(text).is_empty()
}

/// Each rule in shadow.
fn rows(text: &str) -> Vec<Row> {
    let Ok(Outline {
        all_tools,
        classes,
        tools,
        ..
    }) = outline(text, None)
    else {
        return Vec::new();
    };
    let entries = tools.into_iter().chain(classes).chain([all_tools]);
    entries
        .flat_map(|entry| entry.rules)
        .filter(|rule| rule.mode == Some(Mode::Shadow))
        .map(|rule| {
            let named = match (&rule.rule, rule.pointer.rsplit_once('/')) {
                (Some(Rule::Limit(limit)), Some((list, _))) => format!("{list}/{}", limit.counter),
                _ => rule.pointer.clone(),
            };
            Row {
                pointer: rule.pointer,
                named,
                mark: rule.mark,
                line: rule.line,
                sentence: rule.sentence,
                day: Hits::default(),
                week: Hits::default(),
            }
        })
        .collect()
}

impl Hits {
    fn of(rules: &[ShadowRule], named: &str) -> Self {
        let mut hits = Self::default();
        for rule in rules.iter().filter(|rule| rule.rule == named) {
            hits.total += rule.total;
            hits.grants = hits.grants.max(rule.grants);
            if hits.bins.is_empty() {
                hits.bins.clone_from(&rule.bins);
            } else {
                for (sum, bin) in hits.bins.iter_mut().zip(&rule.bins) {
                    *sum += bin;
                }
            }
        }
        hits
    }

    /// A sparkline: a bar for each part of the time, the tallest as high as the drawing.
    pub(super) fn svg(&self) -> String {
        const WIDTH: i64 = 132;
        const HEIGHT: i64 = 28;
        let most = self.bins.iter().copied().max().unwrap_or(0).max(1);
        let count = i64::try_from(self.bins.len()).unwrap_or(1).max(1);
        let step = WIDTH / count;
        let mut svg = format!(
            "<svg class=\"spark\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" \
             role=\"img\" aria-label=\"{} calls\">",
            self.total
        );
        let bins = if self.bins.is_empty() {
            &[0][..]
        } else {
            &self.bins
        };
        for (at, n) in (0_i64..).zip(bins) {
            // One call among thousands is still seen; none is a line on the ground.
            let (class, height) = match n {
                0 => ("none", 1),
                n => ("hits", (HEIGHT * n / most).max(2)),
            };
            let width = if self.bins.is_empty() {
                WIDTH
            } else {
                (step - 1).max(1)
            };
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\"/>",
                at * step,
                HEIGHT - height
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

/// The text in which the rule of a promote button refuses. The button names the rule's mark and its
/// pointer.
pub(super) fn promoted(text: &str, button: &str) -> Result<(String, String), String> {
    let (mark, pointer) = button.split_once(' ').unwrap_or(("", button));
    let at = At {
        pointer: pointer.to_owned(),
        mark: Some(mark.to_owned()),
    };
    let text = apply(text, &Edit::Mode(at, Mode::Enforce)).map_err(|error| error.to_string())?;
    let said =
        format!("In the editor now, not saved: {pointer} refuses instead of only recording.");
    Ok((text, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{ "version": "1", "default": "deny",
  "tools": { "a": { "limits": [{ "counter": "c", "window": "minute", "max": 1, "mode": "shadow" }],
    "deny_if": [{ "conditions": [], "mode": "shadow" }, { "conditions": [] }] } } }"#;

    #[test]
    fn each_rule_in_shadow_is_found_by_the_name_that_decisions_give_it() {
        let mut named: Vec<_> = rows(TEXT).into_iter().map(|row| row.named).collect();
        named.sort();
        assert_eq!(named, ["/tools/a/deny_if/0", "/tools/a/limits/c"]);
        assert!(rows("nonsense").is_empty());
    }

    #[test]
    fn a_promoted_rule_loses_its_mode_and_nothing_else() {
        let rows = rows(TEXT);
        let check = rows
            .iter()
            .find(|row| row.named.contains("deny_if"))
            .expect("a rule");
        let button = format!("{} {}", check.mark, check.pointer);
        let (text, _) = promoted(TEXT, &button).expect("edited");
        assert_eq!(
            text,
            TEXT.replacen(
                "\"conditions\": [], \"mode\": \"shadow\"",
                "\"conditions\": []",
                1
            )
        );
        // What stands there now is not what the button was made for.
        assert!(promoted(&text, &button).is_err());
        for nonsense in ["", "x", "x /tools/zz/deny_if/0", "x /default"] {
            assert!(promoted(TEXT, nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_sparkline_shows_one_call_among_thousands() {
        let hits = Hits {
            total: 2_001,
            grants: 1,
            bins: vec![2_000, 1, 0],
        };
        let svg = hits.svg();
        assert!(
            svg.contains("height=\"28\"/>") && svg.contains("height=\"2\"/>"),
            "{svg}"
        );
        assert_eq!(svg.matches("class=\"none\"").count(), 1);
        assert!(Hits::default().svg().contains("0 calls"));
    }
}
