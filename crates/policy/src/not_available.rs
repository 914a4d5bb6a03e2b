//! What the language has and this release does not enforce yet.
//!
//! Each is read and checked like the rest, so that an author learns of every fault, and then is a
//! fault itself, so that nobody publishes a rule that would not be kept. To make one available:
//! enforce it, take it out of [`WORDS`]' owner below, and delete its call of `Reader::later`.

/// A part of the language that cannot be published yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Later {
    Classes,
    Validate,
    Concurrent,
    MaxResultBytes,
    Approval,
    Mode,
    Tests,
    Per,
    Cost,
    Scope,
    Refill,
}

impl Later {
    /// The part, to begin the sentence "… not available in this release yet".
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Classes => "`classes` is",
            Self::Validate => "`validate` is",
            Self::Concurrent => "`concurrent` is",
            Self::MaxResultBytes => "`max_result_bytes` is",
            Self::Approval => "approvals are",
            Self::Mode => "`mode` is",
            Self::Tests => "`tests` is",
            Self::Per => "`per` is",
            Self::Cost => "`cost` is",
            Self::Scope => "scopes other than `grant` are",
            Self::Refill => "refills other than `sliding` are",
        }
    }
}
