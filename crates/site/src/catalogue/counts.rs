//! Tools counted by class and by risk, as pages show them.

use domain::tools::{Risk, ToolClass};
use store::catalogue::Counts;

/// Every risk, lowest first.
pub(super) const RISKS: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];

/// How many tools have a risk.
pub(crate) struct Tally {
    pub(crate) risk: Risk,
    pub(crate) count: u32,
}

impl Tally {
    /// The risks that there are, the highest first.
    pub(super) fn of_risks(by_risk: &[u32; 4]) -> Vec<Self> {
        RISKS
            .into_iter()
            .zip(by_risk)
            .rev()
            .filter(|(_, count)| **count > 0)
            .map(|(risk, count)| Self {
                risk,
                count: *count,
            })
            .collect()
    }
}

/// How many tools are of a class, and the share of them in hundredths, for a bar.
pub(crate) struct ClassTally {
    pub(crate) class: ToolClass,
    pub(crate) count: u32,
    pub(crate) percent: u32,
}

/// Mildest first.
pub(super) fn classes(counts: &Counts) -> Vec<ClassTally> {
    let total: u32 = counts.by_class.iter().sum();
    ToolClass::ALL
        .into_iter()
        .zip(counts.by_class)
        .map(|(class, count)| ClassTally {
            class,
            count,
            percent: percent(count, total),
        })
        .collect()
}

/// A risk's tools; what stands in [`Counts`] for it.
pub(super) const fn of_risk(counts: &Counts, risk: Risk) -> u32 {
    counts.by_risk[risk as usize]
}

/// A class's tools.
pub(super) const fn of_class(counts: &Counts, class: ToolClass) -> u32 {
    counts.by_class[class as usize]
}

/// `part` of `whole` in whole hundredths, rounded.
pub(super) fn percent(part: u32, whole: u32) -> u32 {
    let (part, whole) = (u64::from(part), u64::from(whole.max(1)));
    u32::try_from((part * 100 + whole / 2) / whole).unwrap_or(100)
}

/// "12 %", and honest where it rounds to nothing or to all.
pub(super) fn share(part: u32, whole: u32) -> String {
    match percent(part, whole) {
        0 if part > 0 => "less than 1 %".to_owned(),
        100 if part < whole => "more than 99 %".to_owned(),
        all => format!("{all} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_to_what_is_not_so() {
        assert_eq!(share(0, 0), "0 %");
        assert_eq!(share(1, 1000), "less than 1 %");
        assert_eq!(share(999, 1000), "more than 99 %");
        assert_eq!(share(1, 3), "33 %");
        assert_eq!(share(3, 3), "100 %");
    }

    #[test]
    fn the_counts_are_those_of_their_class_and_risk() {
        let counts = Counts {
            by_class: [1, 2, 3, 4, 5],
            by_risk: [1, 2, 3, 4],
        };
        assert_eq!(of_class(&counts, ToolClass::Financial), 5);
        assert_eq!(of_risk(&counts, Risk::Critical), 4);
        assert_eq!(classes(&counts)[2].count, 3);
    }
}
