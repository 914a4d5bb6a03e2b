//! What a tool of a registered server counts as here, with the risk of its kind and why.

use std::collections::HashMap;

use catalog::Classification;
use domain::{Risk, Slug, ToolClass};
use store::{StoreError, catalogue::Given, servers::InventoryTool};

/// A tool's class here, with what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    pub(crate) class: ToolClass,
    /// A step from the class's own where something speaks for it.
    pub(crate) risk: Risk,
    /// What speaks for class and risk, in words; nothing where a member chose another class.
    pub(crate) signals: Vec<catalog::Signal>,
    /// How sure that is, from 0 to 1; 1 where a member or the operator has looked.
    pub(crate) confidence: f32,
    /// What the operator says, where that is what counts.
    pub(crate) corrected: Option<Given>,
}

/// The operator's corrections of the known server that a registered one was made from.
pub(crate) async fn corrections(
    db: &store::Db,
    catalog: Option<&Slug>,
) -> Result<HashMap<String, Given>, StoreError> {
    match catalog {
        Some(slug) => store::catalogue::corrections(db, slug.as_str()).await,
        None => Ok(HashMap::new()),
    }
}

/// Judges a tool; none where it has no class here. `catalog` names its server in the catalogue, and
/// `corrections` are the operator's for that one.
pub(crate) fn judged(
    catalog: Option<&Slug>,
    corrections: &HashMap<String, Given>,
    entry: &InventoryTool,
) -> Option<Judged> {
    let class = entry.tool.class?;
    // One of before the last discovery is in force only where it says what is in force.
    let given = corrections.get(&entry.tool.name);
    if let Some(given) = given.filter(|it| !entry.class_set_by_member && it.class == class) {
        return Some(Judged {
            class,
            risk: given.risk,
            signals: Vec::new(),
            confidence: 1.0,
            corrected: Some(given.clone()),
        });
    }
    let said = catalog::classification_of(catalog.map(Slug::as_str), &entry.tool);
    Some(joined(class, entry.class_set_by_member, said))
}

fn joined(class: ToolClass, by_member: bool, said: Classification) -> Judged {
    let same = said.class == class;
    let risk = match (same, by_member) {
        // What a member looked at is at least as risky as its class.
        (true, true) => said.risk.max(class.risk()),
        (true, false) => said.risk,
        // The steps were taken for another class.
        (false, _) => class.risk(),
    };
    Judged {
        class,
        risk,
        signals: if same { said.signals } else { Vec::new() },
        confidence: if by_member { 1.0 } else { said.confidence },
        corrected: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(class: ToolClass, risk: Risk) -> Classification {
        Classification {
            class,
            risk,
            signals: Vec::new(),
            confidence: 0.9,
        }
    }

    #[test]
    fn the_stepped_risk_is_shown_and_a_members_class_is_not_made_milder() {
        use ToolClass::{Destructive, Read, Write};
        let risk = |class, by_member, said| joined(class, by_member, said).risk;
        assert_eq!(risk(Read, false, said(Read, Risk::High)), Risk::High);
        assert_eq!(
            risk(Destructive, false, said(Destructive, Risk::High)),
            Risk::High
        );
        assert_eq!(
            risk(Destructive, true, said(Destructive, Risk::High)),
            Risk::Critical
        );
        assert_eq!(
            risk(Destructive, true, said(Read, Risk::Low)),
            Risk::Critical
        );
        assert_eq!(
            risk(Read, true, said(Destructive, Risk::Critical)),
            Risk::Low
        );
        assert_eq!(risk(Write, false, said(Read, Risk::Low)), Risk::Medium);
        let chosen = joined(Read, true, said(Destructive, Risk::Critical));
        assert!((chosen.confidence - 1.0).abs() < f32::EPSILON && chosen.signals.is_empty());
    }
}
