//! Which attacks belong to which tools, and to each other.

use domain::catalogue::KnownTool;

use super::{Attack, Control, attacks};

/// Attacks that a tool is open to: of its class, and by its name or one of its signals. Those that
/// apply to everything are not among them ([`attacks_on_any`]).
#[must_use]
pub fn attacks_on(tool: &KnownTool) -> Vec<&'static Attack> {
    attacks()
        .iter()
        .filter(|attack| attack.meets(tool))
        .collect()
}

/// Attacks that any tool is open to, whatever it does: they name neither tools nor signals.
#[must_use]
pub fn attacks_on_any() -> Vec<&'static Attack> {
    attacks()
        .iter()
        .filter(|attack| attack.is_on_any())
        .collect()
}

/// Other attacks like one: of its class first, then those with most in common; at most 6.
#[must_use]
pub fn related(attack: &Attack) -> Vec<&'static Attack> {
    let mut likes: Vec<(usize, &Attack)> = attacks()
        .iter()
        .filter(|other| other.id != attack.id)
        .map(|other| (likeness(attack, other), other))
        .filter(|(likeness, _)| *likeness >= 3)
        .collect();
    likes.sort_by_key(|(likeness, _)| std::cmp::Reverse(*likeness));
    likes.into_iter().take(6).map(|(_, other)| other).collect()
}

/// A class in common says more than a tool, a tool more than a signal.
fn likeness(one: &Attack, other: &Attack) -> usize {
    let common = |a: &[String], b: &[String]| a.iter().filter(|it| b.contains(it)).count();
    let class = if one.class == other.class { 6 } else { 0 };
    class + 3 * common(&one.tools, &other.tools) + 2 * common(&one.signals, &other.signals)
}

impl Attack {
    /// Whether it goes through such a tool.
    #[must_use]
    pub fn meets(&self, tool: &KnownTool) -> bool {
        self.classes.contains(&tool.class)
            && (self.tools.contains(&tool.name)
                || tool.signals.iter().any(|s| self.signals.contains(&s.id)))
    }

    /// Whether it goes through any tool, or through none.
    #[must_use]
    pub fn is_on_any(&self) -> bool {
        self.tools.is_empty() && self.signals.is_empty()
    }

    /// Features against it that Tollgate has.
    pub fn available(&self) -> impl Iterator<Item = Control> + '_ {
        Control::ALL
            .into_iter()
            .filter(|it| it.available() && self.controls.contains(it))
    }

    /// Features that would help and that Tollgate does not have yet.
    pub fn planned(&self) -> impl Iterator<Item = Control> + '_ {
        Control::ALL
            .into_iter()
            .filter(|it| !it.available() && self.controls.contains(it))
    }
}
