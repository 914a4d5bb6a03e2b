//! What the catalogue's pages say in words of ours.

use domain::{
    catalogue::{Hints, KnownTool},
    tools::{Risk, ToolClass},
};
use time::{Date, format_description::BorrowedFormatItem, macros::format_description};

use super::counts::Tally;

const DAY: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:short] [year]");

/// 26 Nov 2026.
pub(super) fn day(date: &Date) -> String {
    date.format(DAY).unwrap_or_else(|_| date.to_string())
}

/// One tool, 2 tools, 1,200 tools.
pub(super) fn number(count: &u32, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{} {many}", crate::text::grouped(&count.to_string())),
    }
}

/// What a tool of the class does, as the end of "a tool that …".
pub(crate) const fn class_in_short(class: ToolClass) -> &'static str {
    match class {
        ToolClass::Read => "only returns something",
        ToolClass::Write => "changes data in a way that can be changed back",
        ToolClass::Execute => "runs code, or sets a process, a device or a browser going",
        ToolClass::Destructive => "removes what the same interface cannot bring back",
        ToolClass::Financial => "moves money or makes an obligation to pay",
    }
}

/// What the class means, in a paragraph.
pub(super) const fn class_meaning(class: ToolClass) -> &'static str {
    match class {
        ToolClass::Read => {
            "A read tool only returns something: it lists, gets, searches, fetches, calculates, checks or \
             explains. After the call everything is as it was before."
        }
        ToolClass::Write => {
            "A write tool creates or changes data, and the change can be changed back: create, update, \
             rename, archive, comment, post, upload, send a message, save to a file, switch an account. \
             Taking away a label, a star or a reaction is a write as well."
        }
        ToolClass::Execute => {
            "An execute tool runs something: code, commands, queries that the caller writes, a pipeline, a \
             deployment, a browser or a device. What happens then depends on what is run, and not on the \
             tool alone."
        }
        ToolClass::Destructive => {
            "A destructive tool removes or wipes something that the same interface cannot simply bring \
             back: delete, drop, purge, terminate, uninstall, revoke, restore over live data. Taking away a \
             person's access counts, too."
        }
        ToolClass::Financial => {
            "A financial tool moves money or assets, or makes, changes or ends an obligation to pay: pay, \
             charge, refund, transfer, trade, order, invoice, subscribe. Reading balances and prices is a \
             read; keeping customers and prices is a write."
        }
    }
}

/// How to rule tools of the class, and why so.
pub(super) const fn class_advice(class: ToolClass) -> &'static str {
    match class {
        ToolClass::Read => {
            "Let them through at the pace of an agent at work. A limit stops a loop that reads without \
             end. What is read can be secret and can carry instructions for the model, so rule the tools \
             that take a path, an address or a query by their arguments."
        }
        ToolClass::Write => {
            "Let them through at a slower pace, so that a mistake stays small enough to be changed back. \
             Tools that reach other people or change access deserve rules of their own."
        }
        ToolClass::Execute => {
            "Let them through few at a time, with the arguments checked against the tool's schema. Tools \
             that take a shell command or code of the caller's choice can do what the machine can do: \
             refuse them, or let only certain values through."
        }
        ToolClass::Destructive => {
            "Refuse them by default and let a person do it. Where an agent needs one, open that tool alone, \
             with conditions on its arguments and a limit a day."
        }
        ToolClass::Financial => {
            "Refuse them by default. Where an agent needs one, open that tool alone, bound the amount of \
             each call and the sum of a day."
        }
    }
}

/// What the risk means, in a paragraph.
pub(super) const fn risk_meaning(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => {
            "A call of a low-risk tool changes nothing that matters: most reading tools, and small writes \
             such as labels and stars."
        }
        Risk::Medium => {
            "A call of a medium-risk tool can be changed back, or reads what not everyone should see: most \
             writing tools, and reading tools that take a path, an address or a query, or return mail, \
             health or payment data."
        }
        Risk::High => {
            "A call of a high-risk tool reaches far or is hard to change back: tools that run things, that \
             reach other people, that change access or security, that return secrets, that remove one \
             small thing."
        }
        Risk::Critical => {
            "A call of a critical tool can do harm that nobody can take back: tools that delete for good, \
             that move money, that run a command, code or a query of the caller's choice."
        }
    }
}

/// What to do with tools of the risk.
pub(super) const fn risk_advice(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "Allow them, with a limit that stops a loop.",
        Risk::Medium => {
            "Allow those that the agent's work needs, with a limit. Look at the arguments of those that \
             take paths, addresses or queries."
        }
        Risk::High => {
            "Allow by name only, few calls a minute, with conditions on the arguments that decide what \
             happens."
        }
        Risk::Critical => {
            "Refuse or hide them. Open one by name only when an agent cannot do its work without it, with \
             conditions on every argument that decides what happens."
        }
    }
}

/// How sure class and risk are.
pub(super) fn confidence(tool: &KnownTool) -> &'static str {
    match tool.confidence {
        _ if tool.corrected => "The operator of this catalogue has looked at this tool.",
        c if c >= 0.995 => "A person has looked at this tool.",
        c if c >= 0.85 => "Clear from what the tool says of itself; no person has looked at it.",
        c if c >= 0.65 => "Likely, from what the tool says of itself; no person has looked at it.",
        c if c >= 0.45 => "Uncertain: the signs are weak, and no person has looked at it.",
        _ => "A guess on the safe side: next to nothing is known of what it does.",
    }
}

/// What the server says of its tool: claims that nobody has checked.
pub(super) fn claims(hints: &Hints) -> Vec<&'static str> {
    let claim = |hint: Option<bool>, yes, no| hint.map(|it| if it { yes } else { no });
    [
        claim(
            hints.read_only_hint,
            "it only reads",
            "it does not only read",
        ),
        claim(
            hints.destructive_hint,
            "it may destroy something",
            "it does not destroy anything",
        ),
        claim(
            hints.idempotent_hint,
            "calling it twice changes nothing more",
            "calling it twice may change more",
        ),
        claim(
            hints.open_world_hint,
            "it reaches the world outside",
            "it stays inside of its own system",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How a server is reached.
pub(super) fn transport(name: &str) -> &str {
    match name {
        "stdio" => "local process (stdio)",
        "streamable-http" => "HTTP (streamable)",
        "sse" => "HTTP (SSE, the older form)",
        other => other,
    }
}

/// What a hosted server asks for.
pub(super) fn auth(kind: &str) -> &str {
    match kind {
        "oauth" => "OAuth",
        "none" => "answers without authentication",
        "bearer" => "bearer token",
        other => other,
    }
}

/// "3 critical, 2 high".
pub(super) fn risks(by_risk: &[u32; 4]) -> String {
    let tally = Tally::of_risks(by_risk);
    let parts: Vec<String> = tally
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                crate::text::grouped(&one.count.to_string()),
                one.risk
            )
        })
        .collect();
    parts.join(", ")
}
