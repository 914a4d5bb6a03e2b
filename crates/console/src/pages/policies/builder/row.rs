//! One row: a tool, a glob, a class, or all tools.

use policy::{
    Fault, Mode, Report,
    builder::{Entry, HiddenBy, LeftTo, Place, Shown, State},
};

/// So many faults are said at a row; the list above the panes has all of them.
const FAULTS_MAX: usize = 5;

pub(super) struct Row {
    pub(super) entry: Entry,
    pub(super) pointer: String,
    /// Its number on the page.
    pub(super) id: usize,
    pub(super) open: bool,
    /// What is wrong within it, the first few, and how much in all.
    pub(super) faults: Vec<Fault>,
    pub(super) fault_count: usize,
    /// The rules of it that cannot be published yet.
    later: Vec<String>,
}

/// A state that a row can be put into.
pub(super) struct Choice {
    pub(super) verb: &'static str,
    pub(super) word: &'static str,
    pub(super) help: &'static str,
    pub(super) on: bool,
    pub(super) off_limits: bool,
}

impl Row {
    pub(super) fn new(entry: Entry, open: &str, report: &Report) -> Self {
        let pointer = entry.place.pointer();
        let faults = within(&report.faults, &pointer).filter(|fault| fault.code != "test_failed");
        let faults: Vec<&Fault> = faults.collect();
        let later = within(&report.warnings, &pointer);
        let later = later.filter(|warning| warning.code == "not_available");
        Self {
            id: 0,
            open: pointer == open,
            fault_count: faults.len(),
            faults: faults.into_iter().take(FAULTS_MAX).cloned().collect(),
            later: later.map(|warning| warning.pointer.clone()).collect(),
            pointer,
            entry,
        }
    }

    pub(super) fn title(&self) -> &str {
        match self.entry.place {
            Place::AllTools => "Every call",
            _ => &self.entry.name,
        }
    }

    pub(super) fn is_tool(&self) -> bool {
        matches!(self.entry.place, Place::Tool(_))
    }

    /// Whether it names a tool that the server does not have.
    pub(super) fn is_stray(&self) -> bool {
        self.is_tool() && !self.entry.in_inventory && !self.is_glob()
    }

    pub(super) fn is_glob(&self) -> bool {
        self.is_tool() && self.entry.name.contains('*')
    }

    /// What the row comes to, in a few words.
    pub(super) fn about(&self) -> String {
        let tools = |n: usize| match n {
            0 => "decides for no tool".to_owned(),
            1 => "decides for 1 tool".to_owned(),
            n => format!("decides for {n} tools"),
        };
        let allowed = |yes| if yes { "allowed" } else { "refused" };
        match (&self.entry.state, &self.entry.place) {
            (State::Hide, _) => match &self.entry.hidden_by {
                Some(HiddenBy::Glob(glob)) => format!("hidden by `{glob}`"),
                _ => String::new(),
            },
            (State::Unclear, _) => "what stands there is at fault".to_owned(),
            (_, Place::AllTools) => String::new(),
            (State::Left { .. }, Place::Class(_)) => match self.entry.tools {
                0 => "no block".to_owned(),
                1 => "no block; 1 tool is left to the default".to_owned(),
                n => format!("no block; {n} tools are left to the default"),
            },
            (_, Place::Class(_)) => tools(self.entry.tools),
            _ if self.is_glob() => tools(self.entry.tools),
            (State::Left { to, allowed: yes }, _) => match to {
                LeftTo::Glob(glob) => format!("left to `{glob}`: {}", allowed(*yes)),
                LeftTo::Class(class) => format!("left to its class, {class}: {}", allowed(*yes)),
                LeftTo::EveryClass => format!("left to every class block: {}", allowed(*yes)),
                LeftTo::Default => format!("left to the default: {}", allowed(*yes)),
            },
            _ if self.is_stray() => "the server has no tool of this name".to_owned(),
            _ => String::new(),
        }
    }

    /// What its chip says to whoever may not edit.
    pub(super) fn word(&self) -> (&'static str, &'static str) {
        match self.entry.state {
            State::Left { allowed: true, .. } => ("left alone", "allowed"),
            State::Left { allowed: false, .. } => ("left alone", "draft"),
            State::Allow => ("allow", "allowed"),
            State::Deny => ("deny", "refused"),
            State::Hide => ("hide", "draft"),
            State::Approval => ("approval", "waiting"),
            State::Custom => ("custom", "limited"),
            State::Unclear => ("at fault", "attention"),
        }
    }

    pub(super) fn choices(&self) -> Vec<Choice> {
        let state = &self.entry.state;
        let by_glob = matches!(self.entry.hidden_by, Some(HiddenBy::Glob(_)));
        let choice = |verb, word, help, on| Choice {
            verb,
            word,
            help,
            on,
            off_limits: by_glob && !on,
        };
        let rules = !self.entry.rules.is_empty() && *state != State::Approval;
        let all_tools = self.entry.place == Place::AllTools;
        let mut choices = Vec::new();
        if !all_tools {
            let left = matches!(state, State::Left { .. });
            let help = match rules {
                true => "It has rules of its own; unfold it to remove them.",
                false => "No block of its own.",
            };
            choices.push(Choice {
                off_limits: (by_glob || rules) && !left,
                ..choice("left", "Default", help, left)
            });
        }
        let allowed = matches!(state, State::Allow | State::Custom)
            || (all_tools && matches!(state, State::Left { .. }));
        let allow = if all_tools { "Rules" } else { "Allow" };
        choices.push(choice(
            "allow",
            allow,
            "Calls pass, except as its rules say.",
            allowed,
        ));
        let held = *state == State::Approval;
        choices.push(choice(
            "approval",
            "Approval",
            "Every call waits for a person. It cannot be published yet.",
            held,
        ));
        choices.push(choice(
            "deny",
            "Deny",
            "Every call is refused.",
            *state == State::Deny,
        ));
        if self.is_tool() {
            let verb = if self.entry.hidden_by == Some(HiddenBy::Name) {
                "unhide"
            } else {
                "hide"
            };
            let hidden = *state == State::Hide;
            choices.push(choice(
                verb,
                "Hide",
                "Taken out of the list, as if it did not exist.",
                hidden,
            ));
        }
        choices
    }

    pub(super) fn is_denied(&self) -> bool {
        self.entry.state == State::Deny
    }

    pub(super) fn reason(&self) -> &str {
        self.entry.reason.as_deref().unwrap_or_default()
    }

    /// Whether it has rules that are not looked at as things are.
    pub(super) fn is_idle(&self) -> bool {
        let off = matches!(self.entry.state, State::Deny | State::Hide);
        off && !self.entry.rules.is_empty()
    }

    /// What a row without rules says when it is unfolded.
    pub(super) fn nothing(&self) -> &'static str {
        match (&self.entry.state, &self.entry.place) {
            (_, Place::AllTools) => "No rule applies to every call yet.",
            (State::Left { .. }, Place::Class(_)) => {
                "A rule gives the class a block: its tools are then allowed, except as the rules say."
            }
            (State::Left { .. }, _) => {
                "A rule gives it a block of its own: it is then allowed, except as the rules say."
            }
            (State::Allow, _) => "Every call passes.",
            (State::Deny, _) => "Every call is refused.",
            (State::Hide, _) => "It is not listed, and answered as a tool that does not exist.",
            _ => "No rule yet.",
        }
    }

    /// Whether a rule cannot be published yet.
    pub(super) fn is_later(&self, rule: &Shown) -> bool {
        self.later
            .iter()
            .any(|pointer| is_within(pointer, &rule.pointer))
    }

    pub(super) fn is_shadow(&self, rule: &Shown) -> bool {
        rule.mode == Some(Mode::Shadow)
    }

    pub(super) fn rule_count(&self) -> usize {
        self.entry.rules.len()
    }
}

fn within<'f>(faults: &'f [Fault], pointer: &str) -> impl Iterator<Item = &'f Fault> {
    faults
        .iter()
        .filter(move |fault| is_within(&fault.pointer, pointer))
}

fn is_within(pointer: &str, outer: &str) -> bool {
    let rest = pointer.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
