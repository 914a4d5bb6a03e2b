//! Comparing numbers as written and as most servers will read them.

use std::cmp::Ordering;

use json::Decimal;

use crate::truth::Truth;

/// More digits, or a larger exponent either way, are not compared but undecided.
const DIGITS_MAX: usize = 400;
const EXPONENT_MAX: i64 = 400;

/// A number of the policy, ready to be compared.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    text: Box<str>,
    double: f64,
    whole: Option<i64>,
}

impl Number {
    /// None where it has too many digits or too large an exponent.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let double = double(text)?;
        Some(Self {
            text: text.into(),
            double,
            whole: whole(text),
        })
    }

    /// Whether `holds` is true of the order of `written` and this number: as exact decimals and as
    /// the nearest doubles. Where the two differ nobody knows what a server would see.
    pub(crate) fn test(&self, written: &str, holds: impl Fn(Ordering) -> bool) -> Truth {
        if let (Some(a), Some(b)) = (whole(written), self.whole) {
            return holds(a.cmp(&b)).into();
        }
        let (Some(double), Ok(a), Ok(b)) = (
            double(written),
            Decimal::read(written),
            Decimal::read(&self.text),
        ) else {
            return Truth::Wrong;
        };
        let Some(as_doubles) = double.partial_cmp(&self.double) else {
            return Truth::Wrong;
        };
        let exactly = holds(a.cmp(&b));
        if exactly == holds(as_doubles) {
            exactly.into()
        } else {
            Truth::Wrong
        }
    }
}

/// A number that readers of decimals and readers of doubles take for the same: its double, and the
/// decimal. None of any other: an agent could spell what a server reads as one number in as many
/// ways as it likes.
pub(crate) fn agreed(text: &str) -> Option<(f64, Decimal<'_>)> {
    let double = double(text).filter(|double| double.is_finite())?;
    let exact = Decimal::read(text).ok()?;
    // The shortest spelling that reads as this double, as ECMAScript and most others print it.
    let shortest = format!("{double:e}");
    (Decimal::read(&shortest).ok()? == exact).then_some((double, exact))
}

/// Whether a reader that has integers of 64 bits and doubles, and no more, takes the number for
/// what it is.
pub(crate) fn survives(text: &str) -> bool {
    let fits = text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
    fits || agreed(text).is_some()
}

/// A plain integer of at most 15 digits, which a double holds exactly.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() > 15 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The nearest double, infinite where it is beyond all of them; none beyond the bounds above.
fn double(text: &str) -> Option<f64> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, "0"),
    };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let exponent: i64 = exponent.parse().ok()?;
    if digits > DIGITS_MAX || exponent.abs() > EXPONENT_MAX {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decided_only_where_decimals_and_doubles_agree() {
        let eq = |a: &str, b: &str| Number::new(b).unwrap().test(a, Ordering::is_eq);
        let gt = |a: &str, b: &str| Number::new(b).unwrap().test(a, Ordering::is_gt);
        assert_eq!(eq("1.0", "1"), Truth::True);
        assert_eq!(eq("-0", "0"), Truth::True);
        assert_eq!(eq("42", "43"), Truth::False);
        assert_eq!(eq("0.1", "0.10"), Truth::True);
        assert_eq!(eq("42.00000000000000000001", "42"), Truth::Wrong);
        assert_eq!(gt("42.00000000000000000001", "42"), Truth::Wrong);
        assert_eq!(gt("42.00000000000000000001", "41"), Truth::True);
        assert_eq!(eq("9007199254740993", "9007199254740992"), Truth::Wrong);
        assert_eq!(gt("1e400", "100"), Truth::True);
        assert_eq!(
            eq("1e400", "2e400"),
            Truth::Wrong,
            "both are infinite as doubles"
        );
        assert_eq!(gt("1e401", "100"), Truth::Wrong);
        assert_eq!(gt("1e-401", "100"), Truth::Wrong);
        assert_eq!(gt("0e999999999999999999999", "100"), Truth::Wrong);
        assert_eq!(gt(&"9".repeat(400), "100"), Truth::True);
        assert_eq!(gt(&"9".repeat(401), "100"), Truth::Wrong);
        assert!(Number::new("1e500").is_none());
    }
}
