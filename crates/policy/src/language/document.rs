//! The document, and what in it is no rule.

use domain::ToolClass;

use super::{
    BLOCK, Default, Field, Object, REPEAT_MAX, TESTS_MAX, TOOLS_MAX, Takes, optional, required,
    words,
};
use crate::case::Expect;

pub(crate) static DOCUMENT: Object = Object {
    name: "policy",
    doc: "What a grant may do with one server's tools.",
    fields: &[
        required("version", Takes::Version, "The version of the language."),
        required(
            "default",
            Takes::Word(words::<Default>),
            "What becomes of a tool that no rule block matches.",
        ),
        optional(
            "description",
            Takes::Text,
            "What this policy is for; at most 1,000 characters.",
        ),
        optional(
            "hide",
            Takes::List {
                of: &Takes::Glob,
                max: TOOLS_MAX,
            },
            "Tool names or globs that are taken out of `tools/list` and refused when called, \
             exactly as a tool that does not exist. `*` hides all.",
        ),
        optional(
            "all_tools",
            Takes::AllTools,
            "A rule block for every call, beside the tool's own. It never lets through a tool \
             that nothing else does.",
        ),
        optional(
            "classes",
            Takes::Object(&CLASSES),
            "Rule blocks by risk class, for tools that no entry of `tools` matches.",
        ),
        optional(
            "tools",
            Takes::Tools,
            "Rule blocks by tool name, or by a glob in which * stands for any run of characters. \
             The exact name goes before the glob with the longest literal text.",
        ),
        optional(
            "tests",
            Takes::List {
                of: &Takes::Object(&TEST),
                max: TESTS_MAX,
            },
            "Calls with what must become of them. A document whose tests fail is not published.",
        ),
    ],
};

pub(crate) static CLASSES: Object = Object {
    name: "classes",
    doc: "Rule blocks by the class that the server's inventory gives a tool. A tool without a \
          class takes all of them together.",
    fields: &[
        class("read", "Tools that only return something."),
        class(
            "write",
            "Tools that change data in a way that can be changed back.",
        ),
        class(
            "execute",
            "Tools that set code, a process or a device going.",
        ),
        class(
            "destructive",
            "Tools that remove what the same interface cannot bring back.",
        ),
        class(
            "financial",
            "Tools that move money or make an obligation to pay.",
        ),
    ],
};

const fn class(name: &'static str, doc: &'static str) -> Field {
    optional(name, Takes::Object(&BLOCK), doc)
}

pub(crate) static TEST: Object = Object {
    name: "test",
    doc: "A call, and what must become of it.",
    fields: &[
        required("name", Takes::Text, "What it shows, as a sentence."),
        required("tool", Takes::ToolName, "The tool that is called."),
        optional("args", Takes::Arguments, "The call's arguments."),
        optional("grant", Takes::Object(&TEST_GRANT), "Who calls."),
        optional(
            "at",
            Takes::Instant,
            "When, as RFC 3339 has it; Monday 2026-01-05T12:00:00Z where it is left out.",
        ),
        optional(
            "repeat",
            Takes::Whole {
                min: 1,
                max: REPEAT_MAX,
            },
            "How often the call is made within one instant; the last is looked at.",
        ),
        optional(
            "class",
            Takes::Word(words::<ToolClass>),
            "The tool's class, in place of the inventory's.",
        ),
        required(
            "expect",
            Takes::Word(words::<Expect>),
            "What must come out; `hide` is a refusal that looks like a tool that does not exist.",
        ),
        optional(
            "rule",
            Takes::Pointer,
            "The rule that must have decided, such as /tools/x/deny_if/0.",
        ),
    ],
};

pub(crate) static TEST_GRANT: Object = Object {
    name: "test grant",
    doc: "The grant that makes a test's call.",
    fields: &[
        optional(
            "label",
            Takes::String,
            "What it is called; `test` where it is left out.",
        ),
        optional("labels", Takes::Labels, "Its labels."),
        optional("identity", Takes::String, "Who it acts for."),
    ],
};
