//! What speaks for a classification.

pub use domain::catalogue::Signal;

pub(super) fn new(id: &str, words: impl Into<String>) -> Signal {
    Signal {
        id: id.to_owned(),
        words: words.into(),
    }
}

/// Adds a signal, unless one of its kind is there.
pub(super) fn add(signals: &mut Vec<Signal>, signal: &Signal) {
    if signals.iter().all(|known| known.id != signal.id) {
        signals.push(signal.clone());
    }
}
