//! Counting what was found, facet by facet.

use domain::tools::ToolClass;

use super::{Facets, Filter};
use crate::catalogue::masks::{self, RISKS, TRANSPORTS};

/// So many of what was found are alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) class: i16,
    pub(super) risk: i16,
    pub(super) transport: i16,
    pub(super) official: bool,
    pub(super) number: i64,
}

/// What must hold beside the words; zero: anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Narrowed {
    pub(super) class: i16,
    pub(super) risk: i16,
    pub(super) transport: i16,
    pub(super) official: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Facet {
    Class,
    Risk,
    Transport,
    Official,
}

/// A bit that nothing has: of a transport that nobody knows.
const NOTHING: i16 = 1 << 14;

impl Narrowed {
    pub(super) fn new(filter: &Filter) -> Self {
        let transport = |name: &String| match masks::transport(name) {
            0 => NOTHING,
            mask => mask,
        };
        Self {
            class: filter.class.map_or(0, masks::class),
            risk: filter.risk.map_or(0, masks::risk),
            transport: filter.transport.as_ref().map_or(0, transport),
            official: filter.official,
        }
    }

    fn admits(self, group: &Group, but: Option<Facet>) -> bool {
        let has =
            |facet, asked: i16, mask: i16| but == Some(facet) || asked == 0 || asked & mask != 0;
        has(Facet::Class, self.class, group.class)
            && has(Facet::Risk, self.risk, group.risk)
            && has(Facet::Transport, self.transport, group.transport)
            && (but == Some(Facet::Official)
                || self
                    .official
                    .is_none_or(|official| official == group.official))
    }

    /// How many there are, as far as they are counted.
    pub(super) fn total(self, groups: &[Group]) -> u32 {
        let admitted = groups.iter().filter(|group| self.admits(group, None));
        capped(admitted.map(|group| group.number).sum())
    }

    pub(super) fn facets(self, groups: &[Group]) -> Facets {
        let count = |facet, fits: &dyn Fn(&Group) -> bool| {
            let counted = groups
                .iter()
                .filter(|group| self.admits(group, Some(facet)) && fits(group));
            capped(counted.map(|group| group.number).sum())
        };
        let transports = TRANSPORTS.map(|name| {
            let mask = masks::transport(name);
            let number = count(Facet::Transport, &|group| group.transport & mask != 0);
            (name.to_owned(), number)
        });
        let mut by_transport: Vec<_> = transports.into_iter().filter(|(_, n)| *n > 0).collect();
        by_transport.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        Facets {
            by_class: ToolClass::ALL.map(|class| {
                let mask = masks::class(class);
                count(Facet::Class, &|group| group.class & mask != 0)
            }),
            by_risk: RISKS.map(|risk| {
                let mask = masks::risk(risk);
                count(Facet::Risk, &|group| group.risk & mask != 0)
            }),
            by_transport,
            by_official: [false, true]
                .map(|official| count(Facet::Official, &|group| group.official == official)),
        }
    }
}

fn capped(number: i64) -> u32 {
    u32::try_from(number)
        .unwrap_or(u32::MAX)
        .min(Facets::COUNTED_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn group(class: i16, transport: i16, official: bool, number: i64) -> Group {
        Group {
            class,
            risk: 1,
            transport,
            official,
            number,
        }
    }

    #[test]
    fn a_facet_ignores_what_is_asked_of_itself() {
        let groups = [
            group(1, 1, false, 5),
            group(2, 1, true, 3),
            group(2, 2, false, 20_000),
        ];
        let narrowed = Narrowed::new(&Filter {
            class: Some(ToolClass::Write),
            transport: Some("stdio".into()),
            ..Filter::default()
        });
        assert_eq!(narrowed.total(&groups), 3);
        let facets = narrowed.facets(&groups);
        assert_eq!(facets.by_class, [5, 3, 0, 0, 0]);
        assert_eq!(facets.by_official, [0, 3]);
        let transports = [
            ("streamable-http".to_owned(), 10_000),
            ("stdio".to_owned(), 3),
        ];
        assert_eq!(facets.by_transport, transports);
    }

    #[test]
    fn nothing_is_reached_by_a_transport_that_nobody_knows() {
        let narrowed = Narrowed::new(&Filter {
            transport: Some("carrier pigeon".into()),
            ..Filter::default()
        });
        assert_eq!(narrowed.total(&[group(1, 7, false, 5)]), 0);
    }
}
