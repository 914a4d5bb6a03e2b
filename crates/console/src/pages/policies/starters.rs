//! What a new policy can begin as.

use crate::actions::starters::{Counts, Offer};

/// Everything is refused until a rule allows it.
const EMPTY: &str = "{\n  \"version\": \"1\",\n  \"default\": \"deny\",\n  \"tools\": {}\n}\n";

/// The documents to choose from; none where the policy is not new, or no tools are known.
#[derive(Default)]
pub(super) struct Starters {
    offers: Vec<Offer>,
    /// The one that is in the editor.
    chosen: Option<usize>,
}

impl Starters {
    /// A name that is not offered means the empty document.
    pub(super) fn new(offers: Vec<Offer>, start: Option<&str>) -> Self {
        let chosen = offers
            .iter()
            .position(|offer| Some(offer.starter.id) == start);
        Self { offers, chosen }
    }

    fn chosen(&self) -> Option<&Offer> {
        self.offers.get(self.chosen?)
    }

    pub(super) fn document(&self) -> &str {
        self.chosen().map_or(EMPTY, |offer| &offer.starter.document)
    }

    /// The chosen one's name, which is as good as any for the policy.
    pub(super) fn name(&self) -> &str {
        self.chosen().map_or("", |offer| offer.starter.name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.offers.is_empty()
    }

    pub(super) fn offers(&self) -> impl Iterator<Item = (&Offer, bool)> {
        let chosen = self.chosen;
        self.offers
            .iter()
            .enumerate()
            .map(move |(at, offer)| (offer, chosen == Some(at)))
    }

    pub(super) const fn is_blank(&self) -> bool {
        self.chosen.is_none()
    }
}

impl Counts {
    /// The verdicts that any tool gets: class, how many and the word.
    pub(super) fn said(&self) -> Vec<(&'static str, usize, &'static str)> {
        [
            ("allowed", self.allowed, "allowed"),
            ("depends", self.depends, "by arguments"),
            ("waiting", self.approval, "by approval"),
            ("refused", self.refused, "refused"),
            ("hidden", self.hidden, "hidden"),
        ]
        .into_iter()
        .filter(|(_, n, _)| *n > 0)
        .collect()
    }
}
