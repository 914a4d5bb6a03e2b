//! What speaks for a classification.

use serde::{Deserialize, Serialize};

/// Something that was seen of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Names the kind of it and never changes, so that attacks can be told apart by it: `url_input`.
    pub id: Box<str>,
    /// The same for people, in words.
    pub words: String,
}

impl Signal {
    pub(super) fn new(id: &str, words: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            words: words.into(),
        }
    }
}

/// Adds a signal, unless one of its kind is there.
pub(super) fn add(signals: &mut Vec<Signal>, signal: &Signal) {
    if signals.iter().all(|known| known.id != signal.id) {
        signals.push(signal.clone());
    }
}
