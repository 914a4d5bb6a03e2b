//! What the language has and the gateway does not enforce yet.
//!
//! Each is read, checked and decided like the rest, in tests, previews and the command line. To
//! whoever checks a document it is a warning, and nobody can publish it, since the gateway would
//! not keep the rule. To make one available: enforce it there, take it out below, and delete its
//! call of `Reader::later`.

/// A part of the language that cannot be published yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Later {
    Concurrent,
    Approval,
    Per,
    Cost,
    Scope,
    Refill,
}

impl Later {
    /// The part, to begin the sentence "… not enforced by the gateway yet".
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Concurrent => "`concurrent` is",
            Self::Approval => "approvals are",
            Self::Per => "`per` is",
            Self::Cost => "`cost` is",
            Self::Scope => "scopes other than `grant` are",
            Self::Refill => "refills other than `sliding` are",
        }
    }
}
