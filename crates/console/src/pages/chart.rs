//! The histogram by outcome, as SVG that needs neither script nor style attributes.

use std::fmt::Write as _;

use store::audit::Bin;
use time::{Duration, OffsetDateTime};

use super::filters::machine;

const WIDTH: i64 = 960;
const HEIGHT: i64 = 132;
/// Room above the bars for the scale, and below them for the hours.
const TOP: i64 = 14;
const BOTTOM: i64 = 18;
const LEFT: i64 = 34;

/// Bins, ready to be drawn.
pub(crate) struct Chart {
    bins: Vec<Bin>,
    to: OffsetDateTime,
    query: String,
}

impl Chart {
    /// `query` goes on in each bar's link to the audit log; it is an encoded query without `from`
    /// and `to`.
    pub(crate) fn new(bins: &[Bin], to: OffsetDateTime, query: &str) -> Self {
        Self {
            bins: bins.to_vec(),
            to,
            query: query.replace('&', "&amp;"),
        }
    }

    pub(crate) fn total(&self) -> i64 {
        self.bins.iter().map(sum).sum()
    }

    pub(crate) fn refused(&self) -> i64 {
        self.bins.iter().map(|bin| bin.refused).sum()
    }

    pub(crate) fn limited(&self) -> i64 {
        self.bins.iter().map(|bin| bin.limited).sum()
    }

    pub(crate) fn allowed(&self) -> i64 {
        self.bins.iter().map(|bin| bin.allowed).sum()
    }

    /// The drawing. Everything in it is a number, a time or the query that was given.
    pub(crate) fn svg(&self) -> String {
        let most = nice(self.bins.iter().map(sum).max().unwrap_or(0));
        let plot = HEIGHT - TOP - BOTTOM;
        let count = i64::try_from(self.bins.len()).unwrap_or(1).max(1);
        let step = (WIDTH - LEFT) / count;
        let mut svg = format!(
            "<div class=\"chart-box\"><svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"{} calls: {} allowed, {} refused, {} limited\">",
            self.total(),
            self.allowed(),
            self.refused(),
            self.limited()
        );
        for (level, label) in [(most, most), (most / 2, most / 2)] {
            let y = TOP + plot - plot * level / most;
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>\
                 <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{label}</text>",
                LEFT - 6,
                y + 4
            );
        }
        for (at, bin) in self.bins.iter().enumerate() {
            let x = LEFT + step * i64::try_from(at).unwrap_or(0);
            let end = self.bins.get(at + 1).map_or(self.to, |next| next.from);
            self.bar(&mut svg, bin, end, x, step, plot, most);
        }
        let base = TOP + plot;
        let _ = write!(
            svg,
            "<line class=\"base\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{base}\" y2=\"{base}\"/>"
        );
        self.hours(&mut svg, step);
        svg.push_str("</svg></div>");
        svg
    }

    #[expect(clippy::too_many_arguments, reason = "the geometry of one bar")]
    fn bar(
        &self,
        svg: &mut String,
        bin: &Bin,
        end: OffsetDateTime,
        x: i64,
        step: i64,
        plot: i64,
        most: i64,
    ) {
        let (from, to) = (machine(bin.from), machine(end));
        let _ = write!(
            svg,
            "<a href=\"/audit?from={from}&amp;to={to}&amp;{}\"><title>{} to {} UTC: {} allowed, {} \
             refused, {} limited</title><rect class=\"hit\" x=\"{x}\" y=\"{TOP}\" width=\"{step}\" \
             height=\"{plot}\"/>",
            self.query,
            clock(bin.from),
            clock(end),
            bin.allowed,
            bin.refused,
            bin.limited
        );
        let mut y = TOP + plot;
        let parts = [
            ("allowed", bin.allowed),
            ("waiting", bin.waiting),
            ("limited", bin.limited),
            ("refused", bin.refused),
        ];
        for (class, n) in parts.into_iter().filter(|(_, n)| *n > 0) {
            // One call among thousands is still seen.
            let height = (plot * n / most).max(2);
            y -= height;
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{height}\"/>",
                x + 1,
                (step - 2).max(1)
            );
        }
        svg.push_str("</a>");
    }

    fn hours(&self, svg: &mut String, step: i64) {
        let Some(first) = self.bins.first() else {
            return;
        };
        let days = self.to - first.from > Duration::hours(30);
        let every = (self.bins.len() / 8).max(1);
        for (at, bin) in self
            .bins
            .iter()
            .enumerate()
            .filter(|(at, _)| at % every == 0)
        {
            let x = LEFT + step * i64::try_from(at).unwrap_or(0);
            let text = if days {
                format!("{} {}", bin.from.day(), &bin.from.month().to_string()[..3])
            } else {
                clock(bin.from)
            };
            let _ = write!(svg, "<text x=\"{x}\" y=\"{}\">{text}</text>", HEIGHT - 4);
        }
    }
}

fn sum(bin: &Bin) -> i64 {
    bin.allowed + bin.refused + bin.limited + bin.waiting
}

fn clock(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// The least of 4, 10, 20, 50, 100, 200, 500, … that is not below `n`, so that the scale reads well.
fn nice(n: i64) -> i64 {
    if n <= 4 {
        return 4;
    }
    let mut decade = 10;
    loop {
        if let Some(scale) = [1, 2, 5]
            .map(|m| m * decade)
            .into_iter()
            .find(|scale| *scale >= n)
        {
            return scale;
        }
        decade *= 10;
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_scale_is_round_and_never_too_small() {
        assert_eq!(
            [0, 4, 5, 11, 21, 51, 101, 201].map(nice),
            [4, 4, 10, 20, 50, 100, 200, 500]
        );
    }

    #[test]
    fn a_bar_says_its_numbers_and_leads_to_its_calls() {
        let from = datetime!(2026-11-26 10:00 UTC);
        let bin = Bin {
            from,
            allowed: 9,
            refused: 1,
            limited: 0,
            waiting: 0,
        };
        let svg = Chart::new(&[bin], datetime!(2026-11-26 10:30 UTC), "server=srv_1").svg();
        assert!(svg.contains("10:00 to 10:30 UTC: 9 allowed, 1 refused, 0 limited"));
        assert!(svg.contains(
            "/audit?from=2026-11-26T10:00:00Z&amp;to=2026-11-26T10:30:00Z&amp;server=srv_1"
        ));
        assert!(!svg.contains("style="));
    }
}
