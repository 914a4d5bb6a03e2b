//! Rule blocks, and all that stands in them.

use super::{
    Action, CHECKS_MAX, CONCURRENT_MAX, CONDITIONS_MAX, Field, LIMITS_MAX, Missing, Object,
    QUORUM_MAX, RESULT_BYTES_MAX, TOKENS_MAX, Takes, optional, required, words,
};
use crate::limit::{Approvers, LimitScope, Mode, Refill};

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
