//! Operators, and what each compares with.

/// An operator of conditions.
pub(crate) struct Operator {
    pub(crate) name: &'static str,
    pub(crate) operand: Operand,
    pub(crate) doc: &'static str,
}

/// What stands beside an operator as `value`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operand {
    /// Any JSON.
    Any,
    /// A list of any JSON, with entries.
    Values,
    Number,
    Bool,
    /// A regular expression of linear time.
    Pattern,
    String,
    /// A whole number.
    Length,
    /// A list of ranges of addresses, with entries.
    Ranges,
    /// A list of hosts, with entries.
    Hosts,
}

const fn op(name: &'static str, operand: Operand, doc: &'static str) -> Operator {
    Operator { name, operand, doc }
}

/// Every operator.
pub(crate) static OPERATORS: [Operator; 17] = [
    op(
        "eq",
        Operand::Any,
        "Equal to the value, by JSON type and value: 1 equals 1.0, and not \"1\".",
    ),
    op(
        "neq",
        Operand::Any,
        "Of a JSON type that can be compared with the value, and not equal to it.",
    ),
    op("in", Operand::Values, "Equal to one of the list."),
    op("not_in", Operand::Values, "Equal to none of the list."),
    op("lt", Operand::Number, "A number below the value."),
    op("lte", Operand::Number, "A number of at most the value."),
    op("gt", Operand::Number, "A number above the value."),
    op("gte", Operand::Number, "A number of at least the value."),
    op(
        "exists",
        Operand::Bool,
        "true: there, and not null. false: absent or null.",
    ),
    op(
        "regex",
        Operand::Pattern,
        "A string that the pattern matches, anywhere in it: tie it with ^ and $.",
    ),
    op(
        "not_regex",
        Operand::Pattern,
        "A string that the pattern does not match, nowhere in it.",
    ),
    op(
        "contains",
        Operand::Any,
        "A string with this part, or an array with an equal element.",
    ),
    op("starts_with", Operand::String, "A string that begins so."),
    op("ends_with", Operand::String, "A string that ends so."),
    op(
        "length_lte",
        Operand::Length,
        "At most so many characters of a string, elements of an array or members of an object.",
    ),
    op(
        "cidr",
        Operand::Ranges,
        "An IP address in canonical form, in one of the ranges.",
    ),
    op(
        "host_in",
        Operand::Hosts,
        "An http or https URL whose host is one of these; *.example.com is what is under example.com.",
    ),
];

/// What other languages call them.
pub(crate) const ELSEWHERE: [(&str, &str); 20] = [
    ("==", "eq"),
    ("=", "eq"),
    ("equals", "eq"),
    ("is", "eq"),
    ("!=", "neq"),
    ("ne", "neq"),
    ("not_eq", "neq"),
    ("<", "lt"),
    ("<=", "lte"),
    ("le", "lte"),
    (">", "gt"),
    (">=", "gte"),
    ("ge", "gte"),
    ("nin", "not_in"),
    ("matches", "regex"),
    ("not_matches", "not_regex"),
    ("prefix", "starts_with"),
    ("suffix", "ends_with"),
    ("max_length", "length_lte"),
    ("includes", "contains"),
];
