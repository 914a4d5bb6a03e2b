//! Closed lists of words, each with what it means to the reader.

use domain::ToolClass;

use crate::{
    case::Expect,
    limit::{Approvers, LimitScope, Mode, Refill},
};

/// A meaning that is written as one of a few words.
pub(crate) trait Words: Copy + 'static {
    /// Every word.
    const WORDS: &'static [(&'static str, Self)];
}

/// The words alone, for [`super::Takes::Word`].
pub(crate) fn words<T: Words>() -> Vec<&'static str> {
    T::WORDS.iter().map(|(word, _)| *word).collect()
}

/// Named windows, in seconds.
pub(crate) const WINDOWS: [(&str, u64); 5] = [
    ("second", 1),
    ("minute", 60),
    ("hour", 3600),
    ("day", 86_400),
    ("week", 604_800),
];

/// What becomes of a tool that no block matches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Default {
    Allow,
    Deny,
}

impl Words for Default {
    const WORDS: &'static [(&'static str, Self)] = &[("allow", Self::Allow), ("deny", Self::Deny)];
}

/// What a block does with every call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Allow,
    Deny,
    RequireApproval,
}

impl Words for Action {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("allow", Self::Allow),
        ("deny", Self::Deny),
        ("require_approval", Self::RequireApproval),
    ];
}

/// What a missing path does in `deny_if`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Pass,
}

impl Words for Missing {
    const WORDS: &'static [(&'static str, Self)] = &[("pass", Self::Pass)];
}

/// All of a tool's `inputSchema`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    Schema,
}

impl Words for Whole {
    const WORDS: &'static [(&'static str, Self)] = &[("schema", Self::Schema)];
}

impl Words for Mode {
    const WORDS: &'static [(&'static str, Self)] =
        &[("enforce", Self::Enforce), ("shadow", Self::Shadow)];
}

impl Words for LimitScope {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("grant", Self::Grant),
        ("server", Self::Server),
        ("org", Self::Org),
        ("session", Self::Session),
        ("identity", Self::Identity),
    ];
}

impl Words for Refill {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("sliding", Self::Sliding),
        ("steady", Self::Steady),
        ("calendar", Self::Calendar),
    ];
}

impl Words for Approvers {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("admin", Self::Admin),
        ("policy_manager", Self::PolicyManager),
    ];
}

impl Words for Expect {
    const WORDS: &'static [(&'static str, Self)] = &Self::WORDS;
}

impl Words for ToolClass {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Read.as_str(), Self::Read),
        (Self::Write.as_str(), Self::Write),
        (Self::Execute.as_str(), Self::Execute),
        (Self::Destructive.as_str(), Self::Destructive),
        (Self::Financial.as_str(), Self::Financial),
    ];
}

macro_rules! written {
    ($($meaning:ty),*) => {$(
        impl $meaning {
            /// The word for it in a document.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                let found = <Self as Words>::WORDS.iter().find(|(_, it)| *it == self);
                found.map_or("", |(word, _)| word)
            }

            /// What a word of a document means.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                let found = <Self as Words>::WORDS.iter().find(|(it, _)| *it == word);
                found.map(|(_, meant)| *meant)
            }

            /// Every word.
            #[must_use]
            pub fn words() -> Vec<&'static str> {
                words::<Self>()
            }
        }
    )*};
}

written!(Mode, LimitScope, Refill, Approvers);
