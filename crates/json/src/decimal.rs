//! Numbers as the exact decimals they were written as.

use std::{cmp::Ordering, fmt};

/// A JSON number as an exact decimal: sign, digits without zeros at either end, and where the
/// point lies. Borrowed from the number's text; nothing is expanded, whatever the exponent.
#[derive(Debug, Clone, Copy)]
pub struct Decimal<'a> {
    negative: bool,
    /// Digits, perhaps with a point among them, from the first to the last that is not 0.
    digits: &'a [u8],
    /// The value is 0.d₁d₂d₃… times ten to this power.
    point: i64,
}

/// A number whose exponent has too many digits to be worth understanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the number's exponent is out of range")]
pub struct TooLarge;

impl<'a> Decimal<'a> {
    /// Reads a JSON number, such as [`crate::Value::as_number`] gives. What is not one is taken
    /// digit by digit for what it seems to be.
    ///
    /// # Errors
    /// [`TooLarge`] where the exponent is beyond ±10¹⁵.
    pub fn read(text: &'a str) -> Result<Self, TooLarge> {
        let bytes = text.as_bytes();
        let (negative, bytes) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, bytes),
        };
        let (mantissa, exponent) = match bytes.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&bytes[..at], small_exponent(&bytes[at + 1..])?),
            None => (bytes, 0),
        };
        let significant = |b: &u8| matches!(b, b'1'..=b'9');
        let (Some(first), Some(last)) = (
            mantissa.iter().position(significant),
            mantissa.iter().rposition(significant),
        ) else {
            return Ok(Self {
                negative: false,
                digits: &[],
                point: 0,
            });
        };
        let dot = mantissa
            .iter()
            .position(|&b| b == b'.')
            .unwrap_or(mantissa.len());
        let whole = if first < dot {
            signed(dot - first)
        } else {
            -signed(first - dot - 1)
        };
        Ok(Self {
            negative,
            digits: &mantissa[first..=last],
            point: exponent + whole,
        })
    }

    fn digits(self) -> impl Iterator<Item = u8> {
        self.digits.iter().copied().filter(u8::is_ascii_digit)
    }

    /// The sign, -1, 0 or 1.
    #[must_use]
    pub fn signum(self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn magnitude(self, other: Self) -> Ordering {
        self.point
            .cmp(&other.point)
            .then_with(|| self.digits().cmp(other.digits()))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.signum()
            .cmp(&other.signum())
            .then_with(|| match self.signum() {
                0 => Ordering::Equal,
                1 => self.magnitude(*other),
                _ => other.magnitude(*self),
            })
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal<'_> {}

/// One spelling for each value: ECMAScript's (ECMA-262, Number::toString), which RFC 8785 uses,
/// with as many digits as there are. A number that a double holds by its shortest spelling
/// therefore reads as in RFC 8785.
impl fmt::Display for Decimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: String = self.digits().map(char::from).collect();
        let count = signed(digits.len());
        if self.signum() < 0 {
            f.write_str("-")?;
        }
        let zeros = |n: i64| "0".repeat(usize::try_from(n).unwrap_or(0));
        match self.point {
            _ if digits.is_empty() => f.write_str("0"),
            point if (count..=21).contains(&point) => {
                write!(f, "{digits}{}", zeros(point - count))
            }
            point @ 1..=21 => {
                let (whole, part) = digits.split_at(usize::try_from(point).unwrap_or(0));
                write!(f, "{whole}.{part}")
            }
            point @ -5..=0 => write!(f, "0.{}{digits}", zeros(-point)),
            point => {
                let (first, rest) = digits.split_at(1);
                let dot = if rest.is_empty() { "" } else { "." };
                let power = point - 1;
                let sign = if power < 0 { "-" } else { "+" };
                write!(f, "{first}{dot}{rest}e{sign}{}", power.unsigned_abs())
            }
        }
    }
}

fn small_exponent(text: &[u8]) -> Result<i64, TooLarge> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut exponent = 0_i64;
    for digit in digits {
        exponent = exponent * 10 + i64::from(digit.wrapping_sub(b'0'));
        if exponent > 1_000_000_000_000_000 {
            return Err(TooLarge);
        }
    }
    Ok(if negative { -exponent } else { exponent })
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).expect("no text is longer than an i64 can count")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        Decimal::read(text).expect("in range").to_string()
    }

    #[test]
    fn each_value_has_one_spelling() {
        for (spellings, expected) in [
            (&["0", "-0", "0.0", "0e5", "-0.000e-3"][..], "0"),
            (&["1", "1.0", "1e0", "10e-1", "0.1e1", "0.01E+2"], "1"),
            (&["100", "1e2", "100.000", "1E+2"], "100"),
            (&["-12.5", "-1.25e1", "-125e-1", "-0012.50"], "-12.5"),
            (&["0.000001", "1e-6"], "0.000001"),
            (&["0.0000001", "1e-7"], "1e-7"),
            (&["123e-9", "1.23e-7"], "1.23e-7"),
            (&["100000000000000000000", "1e20"], "100000000000000000000"),
            (&["1e21"], "1e+21"),
            (
                &["123456789012345678901234567890"],
                "1.2345678901234567890123456789e+29",
            ),
            (&["42.00000000000000000001"], "42.00000000000000000001"),
            (&["1e400"], "1e+400"),
            (&["10203"], "10203"),
        ] {
            for spelling in spellings {
                assert_eq!(show(spelling), expected, "{spelling}");
            }
        }
        assert_eq!(
            Decimal::read("1e99999999999999999999").unwrap_err(),
            TooLarge
        );
    }

    #[test]
    fn order_is_exact() {
        let rising = [
            "-1e400",
            "-12.5",
            "-12.4",
            "-0.1",
            "-1e-300",
            "0",
            "1e-300",
            "0.09",
            "0.1",
            "0.10001",
            "1",
            "9",
            "9.5",
            "10",
            "42",
            "42.00000000000000000001",
            "9007199254740992",
            "9007199254740993",
            "1e400",
            "1.1e400",
        ];
        for (i, a) in rising.iter().enumerate() {
            for (j, b) in rising.iter().enumerate() {
                let (a, b) = (Decimal::read(a).unwrap(), Decimal::read(b).unwrap());
                assert_eq!(a.cmp(&b), i.cmp(&j), "{a} and {b}");
            }
        }
    }
}
