//! The stable names of what can be wrong with a document. Programs match on them; they are never
//! renamed, and each has a page in `docs/faults`.

macro_rules! codes {
    ($(#[$doc:meta])* $list:ident { $($(#[$cdoc:meta])* $name:ident = $text:literal;)* }) => {
        $($(#[$cdoc])* pub(crate) const $name: &str = $text;)*
        $(#[$doc])*
        pub const $list: &[&str] = &[$($name,)*];
    };
}

codes! {
    /// Every code that a fault can have.
    FAULT_CODES {
        /// The text is not strict JSON; the position says where.
        BAD_JSON = "bad_json";
        /// An object has a key twice.
        DUPLICATE_KEY = "duplicate_key";
        /// More than 256 KiB.
        DOCUMENT_TOO_LARGE = "document_too_large";
        /// More than 32 levels.
        TOO_DEEP = "too_deep";
        /// A field that the language does not have at this place.
        UNKNOWN_FIELD = "unknown_field";
        /// A field that must be there is not.
        MISSING_FIELD = "missing_field";
        /// A value of another JSON type than the field takes.
        WRONG_TYPE = "wrong_type";
        /// A value of the right type that the field does not take.
        BAD_VALUE = "bad_value";
        /// A number that is not whole, or outside its range.
        OUT_OF_RANGE = "out_of_range";
        /// A list or a map with more entries than there may be.
        TOO_MANY = "too_many";
        /// A list that must have entries has none.
        EMPTY_LIST = "empty_list";
        /// A text longer than it may be.
        TEXT_TOO_LONG = "text_too_long";
        /// `version` is not `"1"`.
        UNSUPPORTED_VERSION = "unsupported_version";
        /// An operator that the language does not have.
        UNKNOWN_OPERATOR = "unknown_operator";
        /// A path that is not one.
        BAD_PATH = "bad_path";
        /// A pattern that the regex engine does not take.
        BAD_REGEX = "bad_regex";
        /// Patterns that need too much memory.
        REGEX_TOO_LARGE = "regex_too_large";
        /// A tool name or glob that can match no tool.
        BAD_GLOB = "bad_glob";
        /// A range of addresses that is not one.
        BAD_CIDR = "bad_cidr";
        /// A host that is not one.
        BAD_HOST = "bad_host";
        /// A counter's name with other characters than it may have, or too long.
        BAD_COUNTER = "bad_counter";
        /// A block names a counter twice.
        COUNTER_TWICE = "counter_twice";
        /// Two limits on one bucket disagree on `max` or `cost`.
        COUNTER_DISAGREES = "counter_disagrees";
        /// `all_tools` with `action: allow`.
        ACTION_ALLOW_IN_ALL_TOOLS = "action_allow_in_all_tools";
        /// `action: require_approval` beside `approval`.
        APPROVAL_TWICE = "approval_twice";
        /// A test in the document whose expectation is not met.
        TEST_FAILED = "test_failed";
    }
}

codes! {
    /// Every code that a warning can have.
    WARNING_CODES {
        /// A rule for a tool that the server does not have.
        UNKNOWN_TOOL = "unknown_tool";
        /// A glob that matches no tool of the server.
        GLOB_MATCHES_NOTHING = "glob_matches_nothing";
        /// A block for a tool that `hide` takes away.
        HIDDEN_ANYWAY = "hidden_anyway";
        /// A comparison with null, which is never decided.
        COMPARES_WITH_NULL = "compares_with_null";
        /// A `require` check without conditions, which always holds.
        NOTHING_REQUIRED = "nothing_required";
        /// A pattern in `require` that is not tied to both ends of the text.
        UNANCHORED_PATTERN = "unanchored_pattern";
        /// An annotation that MCP does not define.
        UNKNOWN_ANNOTATION = "unknown_annotation";
        /// A text beside which nothing refuses.
        REASON_UNUSED = "reason_unused";
        /// A limit whose scope a client can leave by itself.
        SCOPE_NOT_SAFE = "scope_not_safe";
        /// A glob that takes a tool away from a stricter class block.
        CLASS_BYPASSED = "class_bypassed";
        /// A `per` or `cost` limit beside which no plain limit bounds the calls.
        LIMIT_UNBOUNDED = "limit_unbounded";
        /// A `per` or `cost` whose path no `require` constrains.
        ARGUMENT_UNCONSTRAINED = "argument_unconstrained";
        /// Part of the language that the gateway does not enforce yet: it cannot be published.
        NOT_AVAILABLE = "not_available";
    }
}
