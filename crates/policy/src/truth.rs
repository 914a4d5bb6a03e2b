//! True, false, and the two ways of not knowing.

/// What a condition came to. Whoever cannot tell must not let through, so both senses of a check
/// treat [`Truth::Missing`] and [`Truth::Wrong`] as reasons to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    True,
    False,
    /// Undecided: there is nothing at the path.
    Missing,
    /// Undecided: a wrong type, an ambiguous key, or a number that readers would round apart.
    Wrong,
}

impl Truth {
    /// The opposite; what is undecided stays so.
    pub(crate) const fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            undecided => undecided,
        }
    }

    /// False if any is false, else undecided if any is undecided, else true.
    pub(crate) fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut so_far = Self::True;
        for truth in truths {
            so_far = match (so_far, truth) {
                (_, Self::False) => return Self::False,
                (Self::Wrong, _) | (_, Self::Wrong) => Self::Wrong,
                (Self::Missing, _) | (_, Self::Missing) => Self::Missing,
                _ => Self::True,
            };
        }
        so_far
    }

    /// True if any is true, else undecided if any is undecided, else false.
    pub(crate) fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        Self::all(truths.into_iter().map(Self::not)).not()
    }
}

impl From<bool> for Truth {
    fn from(known: bool) -> Self {
        if known { Self::True } else { Self::False }
    }
}
