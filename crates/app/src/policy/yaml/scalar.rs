//! What a scalar without quotes means.

/// The meaning of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    /// A number as JSON writes it.
    Number,
    Text,
    /// A value that JSON does not have, or that readers of YAML do not agree on. The sentence says
    /// what to write.
    Refused(&'static str),
}

const NOT_DECIMAL: &str =
    "JSON does not write a number this way; write it in decimal, or in quotes if it is text";
const NOT_A_NUMBER: &str = "JSON has no such number; put it in quotes if it is text";
const OLD_BOOLEAN: &str = "YAML 1.1 takes this for a boolean and YAML 1.2 for text; \
     write true or false, or put it in quotes";
const OLD_NUMBER: &str = "YAML 1.1 takes this for a number and YAML 1.2 for text; \
     write a decimal number, or put it in quotes";

/// Source: YAML 1.2.2, section 10.3.2, the core schema. What YAML 1.1 reads as something else
/// (`yes`, `1_000`) is refused, since an author who learnt that version means something else.
pub(super) fn read(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        "true" | "True" | "TRUE" => Plain::Bool(true),
        "false" | "False" | "FALSE" => Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Plain::Refused(NOT_A_NUMBER),
        "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "on" | "On" | "ON" | "off" | "Off" | "OFF" => {
            Plain::Refused(OLD_BOOLEAN)
        }
        text => number(text),
    }
}

fn number(text: &str) -> Plain {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Plain::Refused(NOT_A_NUMBER);
    }
    if is_decimal(unsigned) {
        return if is_json(text) {
            Plain::Number
        } else {
            Plain::Refused(NOT_DECIMAL)
        };
    }
    let all = |digits: &str, radix| {
        !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix) || c == '_')
    };
    let after = |prefix| unsigned.strip_prefix(prefix);
    if after("0x").is_some_and(|digits| all(digits, 16))
        || after("0o").is_some_and(|digits| all(digits, 8))
    {
        return Plain::Refused(NOT_DECIMAL);
    }
    if after("0b").is_some_and(|digits| all(digits, 2)) {
        return Plain::Refused(OLD_NUMBER);
    }
    let without: String = unsigned.chars().filter(|&c| c != '_').collect();
    if unsigned.starts_with(|c: char| c.is_ascii_digit()) && is_decimal(&without) {
        return Plain::Refused(OLD_NUMBER);
    }
    Plain::Text
}

/// `[0-9]+`, or `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent_is_good = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent_is_good && digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0
}

fn is_json(number: &str) -> bool {
    let bounds = json::Bounds {
        bytes_max: number.len(),
        depth_max: 1,
    };
    json::Document::parse(number.as_bytes(), bounds).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_the_core_schema_says() {
        let table: &[(Plain, &[&str])] = &[
            (Plain::Null, &["", "~", "null", "Null", "NULL"]),
            (Plain::Bool(true), &["true", "True", "TRUE"]),
            (Plain::Bool(false), &["false", "False", "FALSE"]),
            (
                Plain::Number,
                &[
                    "0", "-0", "1", "-12", "1.0", "0.50", "1e3", "1E+3", "-1.5e-9",
                ],
            ),
            (
                Plain::Text,
                &[
                    "nULL",
                    "tRUE",
                    "y",
                    "n",
                    "a",
                    "30m",
                    "1.2.3",
                    "-",
                    "+",
                    ".",
                    "e3",
                    "1e",
                    "1e+",
                    "0x",
                    "0xg1",
                    "0o8",
                    "_1",
                    "1 2",
                    "2026-01-05T12:00:00Z",
                    "::1",
                    "10.0.0.0/8",
                    "<<",
                    ".infinity",
                    "-x",
                    "0b2",
                    "١",
                ],
            ),
            (
                Plain::Refused(NOT_DECIMAL),
                &[
                    "+1", "007", "-01", ".5", "1.", "+.5", "1.e3", "0x1f", "0x1F", "0o17", "0x_1",
                ],
            ),
            (
                Plain::Refused(NOT_A_NUMBER),
                &[".inf", "-.inf", "+.Inf", ".INF", ".nan", ".NaN", ".NAN"],
            ),
            (Plain::Refused(OLD_BOOLEAN), &["yes", "No", "ON", "off"]),
            (
                Plain::Refused(OLD_NUMBER),
                &["1_000", "-1_0.5", "0b101", "1_", "0_7"],
            ),
        ];
        for (meaning, texts) in table {
            for text in *texts {
                assert_eq!(read(text), *meaning, "{text:?}");
            }
        }
    }
}
