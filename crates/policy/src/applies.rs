//! Which rules stand for a tool, told from the document alone.

use domain::ToolClass;

use crate::rules::{Block, Rules};

/// What stands for a tool, beside `all_tools`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Applies {
    /// This entry of `tools`.
    Entry(usize),
    /// The block of its class; of a tool without a class, every class block together.
    Classes(Vec<usize>),
    /// `default`.
    Default,
}

impl Rules {
    /// The exact name, else the closest glob, else the class, else the default.
    pub(crate) fn applies(&self, tool: &str, class: Option<ToolClass>) -> Applies {
        match self.entry_for(tool) {
            Some(entry) => Applies::Entry(entry),
            None => self.left_to(class),
        }
    }

    /// What stands for a tool of this class that no entry of `tools` matches.
    pub(crate) fn left_to(&self, class: Option<ToolClass>) -> Applies {
        let classes = self.classes.iter().enumerate();
        let matching = classes.filter(|(_, (of, _))| class.is_none_or(|class| class == *of));
        let matching: Vec<usize> = matching.map(|(at, _)| at).collect();
        match matching.is_empty() {
            true => Applies::Default,
            false => Applies::Classes(matching),
        }
    }
}

impl Applies {
    /// Its blocks, none for the default.
    pub(crate) fn blocks<'r>(&self, rules: &'r Rules) -> Vec<&'r Block> {
        match self {
            Self::Entry(at) => vec![&rules.tools[*at].1],
            Self::Classes(all) => all.iter().map(|&at| &rules.classes[at].1).collect(),
            Self::Default => Vec::new(),
        }
    }

    /// Where it stands in the document.
    pub(crate) fn pointer(&self, rules: &Rules) -> String {
        match (self, self.blocks(rules)[..].first()) {
            (Self::Classes(all), _) if all.len() > 1 => "/classes".to_owned(),
            (_, Some(block)) => block.pointer.clone(),
            (_, None) => "/default".to_owned(),
        }
    }
}
