//! Every object of the language.

use domain::ToolClass;

use super::{
    Action, CHECKS_MAX, CONCURRENT_MAX, CONDITIONS_MAX, Default, Field, LIMITS_MAX, Missing,
    Object, QUORUM_MAX, REPEAT_MAX, RESULT_BYTES_MAX, TESTS_MAX, TOKENS_MAX, TOOLS_MAX, Takes,
    optional, required, words,
};
use crate::{
    case::Expect,
    limit::{Approvers, LimitScope, Mode, Refill},
};

/// All of them, the document first.
pub(crate) static OBJECTS: [&Object; 13] = [
    &DOCUMENT,
    &CLASSES,
    &BLOCK,
    &REQUIRE,
    &DENY_IF,
    &CONDITION,
    &LIMIT,
    &RATE_LIMIT,
    &REQUIRED_ARGS,
    &CONCURRENT,
    &APPROVAL,
    &TEST,
    &TEST_GRANT,
];

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

pub(crate) static BLOCK: Object = Object {
    name: "rule block",
    doc: "The rules of a tool, a class or all tools. An empty block lets every call through.",
    fields: &[
        optional(
            "action",
            Takes::Word(words::<Action>),
            "`allow` is what an absent action means; `deny` refuses every call; \
             `require_approval` is short for `\"approval\": {}`.",
        ),
        optional(
            "reason",
            Takes::Told,
            "What an agent is told that `action: deny` refuses.",
        ),
        optional(
            "require",
            Takes::List {
                of: &Takes::Object(&REQUIRE),
                max: CHECKS_MAX,
            },
            "Checks of which each must hold. What is undecided is refused.",
        ),
        optional(
            "deny_if",
            Takes::List {
                of: &Takes::Object(&DENY_IF),
                max: CHECKS_MAX,
            },
            "Checks of which none may hold. What is undecided is refused.",
        ),
        optional(
            "approval",
            Takes::Object(&APPROVAL),
            "Calls wait for a person's answer.",
        ),
        optional(
            "limits",
            Takes::List {
                of: &Takes::Object(&LIMIT),
                max: LIMITS_MAX,
            },
            "What calls may spend. A call is charged on all its limits or on none.",
        ),
        optional(
            "rate_limit",
            Takes::Object(&RATE_LIMIT),
            "Short for one limit whose counter is named after the tool that is called.",
        ),
        optional(
            "validate",
            Takes::Validate,
            "`schema`: the arguments satisfy the tool's input schema as last approved. \
             `{\"required_args\": true}`: all that the schema requires are there.",
        ),
        optional(
            "concurrent",
            Takes::Object(&CONCURRENT),
            "How many calls are in flight at once.",
        ),
        optional(
            "max_result_bytes",
            Takes::Whole {
                min: 1,
                max: RESULT_BYTES_MAX,
            },
            "A larger result is replaced by an error; at most 4 MiB.",
        ),
    ],
};

static ONE_CONDITION: Takes = Takes::Object(&CONDITION);
const CONDITIONS: Field = required(
    "conditions",
    Takes::List {
        of: &ONE_CONDITION,
        max: CONDITIONS_MAX,
    },
    "Conditions that must all be true for the check to hold. Without any it always holds.",
);
const ON_DENY: Field = optional("on_deny", Takes::Told, "What a refused agent is told.");
const MODE: Field = optional(
    "mode",
    Takes::Word(words::<Mode>),
    "`shadow`: it never refuses; what it would have done is recorded.",
);
const SCOPE: Field = optional(
    "scope",
    Takes::Word(words::<LimitScope>),
    "Whose calls count together; `grant` where it is left out.",
);
const MAX: Field = required(
    "max",
    Takes::Whole {
        min: 0,
        max: TOKENS_MAX,
    },
    "How much is spent in one window at most; 0 refuses always.",
);
const WINDOW: Field = required(
    "window",
    Takes::Window,
    "`second`, `minute`, `hour`, `day`, `week`, or whole seconds up to 2,678,400.",
);

pub(crate) static REQUIRE: Object = Object {
    name: "require check",
    doc: "A check that must hold.",
    fields: &[CONDITIONS, ON_DENY, MODE],
};

pub(crate) static DENY_IF: Object = Object {
    name: "deny_if check",
    doc: "A check that must not hold.",
    fields: &[
        CONDITIONS,
        ON_DENY,
        MODE,
        optional(
            "missing",
            Takes::Word(words::<Missing>),
            "`pass`: a call that does not have one of the check's paths at all is let through.",
        ),
    ],
};

pub(crate) static CONDITION: Object = Object {
    name: "condition",
    doc: "What is asked of one value. It is true, false or undecided.",
    fields: &[
        required(
            "path",
            Takes::Path,
            "Where to look: `args.a.b`, `args.items[*].price`, `args[\"a.b\"]`, `grant.label`, \
             `grant.identity`, `grant.labels.KEY`, `tool.name`, `tool.class`, \
             `tool.annotations.HINT`, `time.utc.hour` or `time.utc.weekday`.",
        ),
        required("op", Takes::Operator, "How to compare."),
        required(
            "value",
            Takes::Operand,
            "What to compare with; the operator says of which type.",
        ),
    ],
};

pub(crate) static LIMIT: Object = Object {
    name: "limit",
    doc: "A bucket of tokens of which a call takes one, or its cost.",
    fields: &[
        required(
            "counter",
            Takes::Counter,
            "The bucket's name: at most 64 letters, digits, _ - . and :. Every policy that names \
             it with the same window, scope and refill spends from it.",
        ),
        WINDOW,
        MAX,
        SCOPE,
        optional(
            "per",
            Takes::Argument,
            "The argument that gives each of its values a bucket of its own.",
        ),
        optional(
            "cost",
            Takes::Argument,
            "The argument whose whole number is spent instead of 1.",
        ),
        optional(
            "refill",
            Takes::Word(words::<Refill>),
            "`sliding` (where it is left out): a token comes back one window after it was spent. \
             `steady`: evenly. `calendar`: all at once at the window's next boundary.",
        ),
        ON_DENY,
        MODE,
    ],
};

pub(crate) static RATE_LIMIT: Object = Object {
    name: "rate limit",
    doc: "A limit per grant, `sliding`, whose counter is the called tool's name with _rate.",
    fields: &[MAX, WINDOW],
};

pub(crate) static REQUIRED_ARGS: Object = Object {
    name: "required arguments",
    doc: "That what the tool's input schema requires is there, and no more.",
    fields: &[required("required_args", Takes::True, "Always true.")],
};

pub(crate) static CONCURRENT: Object = Object {
    name: "concurrent",
    doc: "Calls that are in flight at once.",
    fields: &[
        required(
            "max",
            Takes::Whole {
                min: 0,
                max: CONCURRENT_MAX,
            },
            "Calls at once; 0 refuses always.",
        ),
        SCOPE,
        MODE,
    ],
};

pub(crate) static APPROVAL: Object = Object {
    name: "approval",
    doc: "That a person answers a call before it is forwarded.",
    fields: &[
        optional(
            "when",
            Takes::List {
                of: &ONE_CONDITION,
                max: CONDITIONS_MAX,
            },
            "Which calls wait: those of which all conditions are true, or undecided. All, where \
             it is left out.",
        ),
        optional(
            "timeout",
            Takes::Duration,
            "How long a call waits: a whole number and s, m, h or d, such as 30m.",
        ),
        optional("reason", Takes::Text, "What whoever answers is told."),
        optional(
            "approvers",
            Takes::Word(words::<Approvers>),
            "The least role that may answer.",
        ),
        optional(
            "four_eyes",
            Takes::Bool,
            "Whether those who stand behind the grant may not answer.",
        ),
        optional(
            "quorum",
            Takes::Whole {
                min: 1,
                max: QUORUM_MAX,
            },
            "How many must approve.",
        ),
        MODE,
    ],
};

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
