//! Keys that an object has twice.

use std::{borrow::Cow, collections::HashSet};

use crate::{parse::Node, string};

/// Up to this many keys are compared pair by pair, which is quicker than hashing them.
const PAIRWISE_MAX: u32 = 16;

/// The offsets of keys that an earlier key of the same object equals. Time is linear in the number
/// of keys: the hash is seeded at random, so that nobody can choose keys that collide.
pub(crate) fn find(text: &str, tape: &[Node], object: u32) -> Vec<usize> {
    let mut found = Vec::new();
    if tape[object as usize].len <= PAIRWISE_MAX {
        for (at, key) in keys(tape, object).enumerate() {
            if keys(tape, object)
                .take(at)
                .any(|earlier| same(text, earlier, key))
            {
                found.push(key.start as usize);
            }
        }
        return found;
    }
    let mut seen = HashSet::with_capacity_and_hasher(
        tape[object as usize].len as usize,
        foldhash::quality::RandomState::default(),
    );
    found.extend(
        keys(tape, object)
            .filter(|&key| !seen.insert(decoded(text, key)))
            .map(|key| key.start as usize),
    );
    found
}

fn keys(tape: &[Node], object: u32) -> impl Iterator<Item = &Node> {
    let end = tape[object as usize].next as usize;
    let mut at = object as usize + 1;
    std::iter::from_fn(move || {
        let key = tape.get(at).filter(|_| at < end)?;
        at = tape[at + 1].next as usize;
        Some(key)
    })
}

fn same(text: &str, a: &Node, b: &Node) -> bool {
    if a.escaped || b.escaped {
        return decoded(text, a) == decoded(text, b);
    }
    a.end - a.start == b.end - b.start
        && text.as_bytes()[a.start as usize..a.end as usize]
            == text.as_bytes()[b.start as usize..b.end as usize]
}

fn decoded<'a>(text: &'a str, key: &Node) -> Cow<'a, str> {
    string::decode(
        &text[key.start as usize + 1..key.end as usize - 1],
        key.escaped,
    )
}
