//! When a grant or an API key ends.

use time::{Duration, OffsetDateTime};

use super::{ActionError, Result};

/// How long a credential lives where its maker does not say: 90 days.
pub(crate) const DEFAULT_LIFE: Duration = Duration::days(90);

/// When a credential ends, as its maker asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Expiry {
    /// [`DEFAULT_LIFE`] from now.
    #[default]
    Default,
    /// Never: only ever an explicit choice.
    Never,
    /// Then; at most one year from now.
    At(OffsetDateTime),
}

impl Expiry {
    /// The moment, in whole seconds because that is what a token's `exp` holds (RFC 7519, section
    /// 2, "NumericDate"). `None` is never.
    ///
    /// # Errors
    /// A fault at `/expires_at` where it is past or more than one calendar year ahead.
    pub(crate) fn resolve(self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>> {
        let at = match self {
            Self::Default => now + DEFAULT_LIFE,
            Self::Never => return Ok(None),
            Self::At(at) => at,
        };
        let at = whole_seconds(at);
        if at <= now {
            return Err(ActionError::field("/expires_at", "is not in the future"));
        }
        if at > in_a_year(now) {
            return Err(ActionError::field(
                "/expires_at",
                "is more than a year from now",
            ));
        }
        Ok(Some(at))
    }
}

/// The same moment without its fraction of a second.
pub(crate) fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0)
        .expect("zero is a nanosecond")
        .to_offset(time::UtcOffset::UTC)
}

fn in_a_year(now: OffsetDateTime) -> OffsetDateTime {
    // 29 February has no namesake in the year after; it gets the day behind it.
    now.replace_year(now.year() + 1)
        .unwrap_or(now + Duration::days(366))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-26 02:30:00.5 UTC);

    #[test]
    fn the_default_is_ninety_days() {
        let at = Expiry::Default.resolve(NOW).expect("fits");
        assert_eq!(at, Some(datetime!(2027-02-24 02:30:00 UTC)));
    }

    #[test]
    fn a_year_is_the_most_and_the_past_is_refused() {
        for good in [
            datetime!(2027-11-26 02:30:00 UTC),
            datetime!(2026-11-26 02:30:01 UTC),
        ] {
            assert_eq!(Expiry::At(good).resolve(NOW).expect("fits"), Some(good));
        }
        for bad in [
            datetime!(2027-11-26 02:30:01 UTC),
            datetime!(2026-11-26 02:30:00.9 UTC),
            datetime!(1970-01-01 00:00:00 UTC),
            datetime!(9999-12-31 23:59:59 UTC),
        ] {
            assert!(
                matches!(Expiry::At(bad).resolve(NOW), Err(ActionError::Fields(_))),
                "{bad}"
            );
        }
        assert_eq!(Expiry::Never.resolve(NOW).expect("chosen"), None);
    }

    #[test]
    fn a_leap_day_has_a_year_too() {
        let leap = datetime!(2028-02-29 12:00:00 UTC);
        let most = datetime!(2029-03-01 12:00:00 UTC);
        assert_eq!(Expiry::At(most).resolve(leap).expect("fits"), Some(most));
    }
}
