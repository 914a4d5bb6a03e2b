//! How often a tool may be called, and what is said of that.

use domain::tools::ToolClass;

use super::guard::Guard;
use crate::starter::a_minute;

/// How many calls in how long a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) max: u64,
    /// `minute`, `hour`, `day`.
    pub(super) window: &'static str,
}

/// How often a tool may be called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) rate: Rate,
    /// How many in a day, where that is bounded.
    pub(super) a_day: Option<u64>,
}

impl Pace {
    /// What suits the class; none where no call should pass by itself.
    pub(super) fn usual(class: ToolClass) -> Option<Self> {
        let rate = a_minute(class).map(|max| Rate {
            max,
            window: "minute",
        });
        rate.map(|rate| Self { rate, a_day: None })
    }

    /// A narrow one, for every class.
    pub(super) const fn narrow(class: ToolClass) -> Self {
        let (max, window, a_day) = match class {
            ToolClass::Read => (20, "minute", 500),
            ToolClass::Write => (10, "minute", 200),
            ToolClass::Execute => (3, "minute", 50),
            ToolClass::Destructive => (2, "hour", 10),
            ToolClass::Financial => (2, "hour", 5),
        };
        Self {
            rate: Rate { max, window },
            a_day: Some(a_day),
        }
    }
}

/// What a rule with these parts does to a tool.
pub(super) fn explanation(tool: &str, pace: &Pace, guards: &[Guard<'_>]) -> String {
    let Rate { max, window } = pace.rate;
    let article = if window == "hour" { "an" } else { "a" };
    let a_day = pace.a_day.map(|max| format!(" and {max} a day"));
    let mut text = format!(
        "Lets {max} calls of {tool} {article} {window}{} through for each grant and refuses the \
         rest.",
        a_day.unwrap_or_default()
    );
    for guard in guards {
        text.push(' ');
        text.push_str(&guard.sentence());
    }
    text
}

/// What an agent is told when it calls a tool that the recommended rule refuses.
pub(super) const fn reason(class: ToolClass) -> &'static str {
    match class {
        ToolClass::Financial => "Payments are made by people.",
        _ => "What this tool removes cannot be brought back, so people do it.",
    }
}

/// `61st`, `11th`, `3rd`.
pub(super) fn nth(number: u64) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

/// `an execute`, `a read`.
pub(super) const fn a_class(class: ToolClass) -> &'static str {
    match class {
        ToolClass::Read => "a read",
        ToolClass::Write => "a write",
        ToolClass::Execute => "an execute",
        ToolClass::Destructive => "a destructive",
        ToolClass::Financial => "a financial",
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lists_are_english() {
        let said: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 31, 61, 111].map(nth).into();
        assert_eq!(
            said,
            [
                "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "31st", "61st", "111th"
            ]
        );
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&words[..0]), "");
        assert_eq!(list(&words[..1]), "a");
        assert_eq!(list(&words[..2]), "a and b");
        assert_eq!(list(&words), "a, b and c");
    }
}
