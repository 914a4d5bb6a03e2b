//! What to do first about a server's tools.

use domain::{Risk, ToolClass};

use super::report::Listed;

/// So many names stand in one sentence.
const NAMED_MAX: usize = 5;
/// Below it a class is hardly more than a guess.
const SURE: f32 = 0.5;

/// A thing to do, and the tools that it is for.
struct Advice {
    fits: fn(&Listed) -> bool,
    say: &'static str,
}

/// The most pressing first. `{}` stands for the tools.
const ADVICE: [Advice; 6] = [
    Advice {
        fits: |tool| has(tool, &["hidden_instructions"]),
        say: "Read what the server says of {} before a model does: there is text that is hidden or meant for the model.",
    },
    Advice {
        fits: |tool| tool.class == ToolClass::Financial,
        say: "Keep {} closed, or ask for approval and bound the amount: money moves.",
    },
    Advice {
        fits: |tool| tool.class == ToolClass::Destructive,
        say: "Keep {} closed until someone needs that: what is removed does not come back.",
    },
    Advice {
        fits: |tool| tool.class == ToolClass::Execute && tool.risk == Risk::Critical,
        say: "Constrain the arguments of {} first: the caller writes what is run.",
    },
    Advice {
        fits: |tool| tool.class == ToolClass::Execute && tool.risk == Risk::High,
        say: "Limit how often {} can run.",
    },
    Advice {
        fits: |tool| tool.confidence < SURE,
        say: "Look at {}: the words do not tell what class that is.",
    },
];

/// Sentences, none where nothing is pressing.
pub(super) fn of(tools: &[Listed]) -> Vec<String> {
    let sentence = |advice: &Advice| {
        let names: Vec<&str> = tools
            .iter()
            .filter(|tool| (advice.fits)(tool))
            .map(|tool| tool.name.as_str())
            .collect();
        (!names.is_empty()).then(|| advice.say.replacen("{}", &listed(&names), 1))
    };
    ADVICE.iter().filter_map(sentence).collect()
}

fn has(tool: &Listed, ids: &[&str]) -> bool {
    let mut signals = tool.signals.iter();
    signals.any(|signal| ids.contains(&signal.id.as_str()))
}

/// `a`, `a and b`, `a, b and 3 more`.
fn listed(names: &[&str]) -> String {
    let (shown, more) = names.split_at(names.len().min(NAMED_MAX));
    let mut shown: Vec<String> = shown.iter().map(|name| (*name).to_owned()).collect();
    if !more.is_empty() {
        shown.push(format!("{} more", more.len()));
    }
    match shown.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_counted() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b"]), "a and b");
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(listed(&names), "a, b, c, d, e and 2 more");
    }
}
