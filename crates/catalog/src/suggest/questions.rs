//! What people ask about a tool, answered from the facts.

use domain::{
    catalogue::{KnownArgument, KnownServer, KnownTool},
    tools::{Risk, ToolClass},
};

use super::{
    arguments::{Meaning, meaning},
    suggestion,
    words::{a_class, list},
};
use crate::{starter::is_nameable, words::words};

/// Names that no rule can give may be of any length; so much of one is shown.
const SHOWN_CHARS_MAX: usize = 64;
/// So many arguments are named in an answer.
const NAMED_MAX: usize = 12;
/// Less sure than this, and the answer says that little is known.
const SURE: f32 = 0.5;

/// A question about a tool, with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked: "How do I limit rerun_workflow?".
    pub question: String,
    /// The answer: plain sentences, without markup.
    pub answer: String,
    /// The rule that the answer speaks of: an id of [`super::Suggestion`].
    pub rule: Option<&'static str>,
}

/// What people ask about a tool. Names are other people's words: whoever shows a question escapes it.
#[must_use]
pub fn questions(server: &KnownServer, tool: &KnownTool) -> Vec<Question> {
    let name = shown(&tool.name);
    let mut all = vec![
        asked(format!("What does {name} do?"), does(server, tool, &name)),
        asked(format!("How risky is {name}, and why?"), risk(tool, &name)),
    ];
    if is_nameable(&tool.name) {
        all.extend(rules(server, tool, &name));
    } else {
        all.push(asked(
            format!("How do I enforce a policy on {name}?"),
            "No rule can name it alone: its name has characters that the names of callable \
                 tools do not have, or a star, which stands for any name in a rule. A policy \
                 with \"default\": \"deny\" refuses it, as long as no pattern in it matches."
                .to_owned(),
        ));
    }
    all.push(asked(
        format!("Which arguments of {name} are risky?"),
        arguments(tool, &name),
    ));
    all.push(asked(
        format!("Who provides {name}?"),
        provider(server, tool, &name),
    ));
    all
}

fn asked(question: String, answer: String) -> Question {
    Question {
        question,
        answer,
        rule: None,
    }
}

fn rules(server: &KnownServer, tool: &KnownTool, name: &str) -> Vec<Question> {
    let explained = |id| suggestion(tool, id).map_or_else(String::new, |it| it.explanation);
    let server = server.origin.said(&shown(&server.name)).into_owned();
    let enforce = format!(
        "Register {server} with Tollgate, put a rule for {name} into the server's policy, and give \
         the agent a grant with that policy. Each call then goes through the gateway, which asks \
         the policy before the server hears of it. The recommended rule: {}",
        explained("recommended")
    );
    let limit = format!(
        "With a limit in the tool's rule. This one: {} A call too many is refused before it \
         reaches the server, and the agent is told how long to wait.",
        explained("limit")
    );
    let block = format!(
        "With \"action\": \"deny\" in the tool's rule: {} To take it out of sight as well, name it \
         in \"hide\": {}",
        lowered(&explained("block")),
        lowered(&explained("hide")),
    );
    [
        (
            format!("How do I enforce a policy on {name}?"),
            enforce,
            "recommended",
        ),
        (format!("How do I limit {name}?"), limit, "limit"),
        (format!("How do I block {name}?"), block, "block"),
    ]
    .into_iter()
    .map(|(question, answer, rule)| Question {
        question,
        answer,
        rule: Some(rule),
    })
    .collect()
}

fn does(server: &KnownServer, tool: &KnownTool, name: &str) -> String {
    let server = server.origin.said(&shown(&server.name)).into_owned();
    let of = match &tool.does {
        Some(does) => format!("{does} It is"),
        None => format!("{name} is"),
    };
    let kind = a_class(tool.class);
    let effect = match tool.class {
        ToolClass::Read => "it returns something and changes nothing",
        ToolClass::Write if reaches_people(tool) => {
            "it reaches other people, who may have read it before it is taken back"
        }
        ToolClass::Write => "it changes data in a way that can be changed back",
        ToolClass::Execute => "it sets code, a process or a device going",
        ToolClass::Destructive => "it removes something that cannot simply be brought back",
        ToolClass::Financial => "it moves money or makes an obligation to pay",
    };
    let mut answer = format!("{of} {kind} tool of {server}: at worst, in normal use, {effect}.");
    if !tool.corrected && tool.confidence < SURE {
        answer
            .push_str(" Little is known of it, so this is a cautious guess rather than a finding.");
    }
    if let Some(note) = &tool.note {
        answer.push(' ');
        answer.push_str(note);
    }
    answer
}

fn reaches_people(tool: &KnownTool) -> bool {
    tool.signals.iter().any(|it| it.id == "external_message")
}

fn risk(tool: &KnownTool, name: &str) -> String {
    let usual = tool.class.risk();
    let (risk, kind) = (tool.risk.as_str(), a_class(tool.class));
    let level = format!("The risk of {name} is {risk}.");
    let class = match (usual, tool.risk) {
        (usual, risk) if usual == risk => format!("That is usual for {kind} tool."),
        (usual, risk) if risk > usual => {
            format!(
                "That is more than usual for {kind} tool, which is {}.",
                usual.as_str()
            )
        }
        (usual, _) => format!(
            "That is less than usual for {kind} tool, which is {}.",
            usual.as_str()
        ),
    };
    let speaks: Vec<String> = tool.signals.iter().map(|it| it.words.clone()).collect();
    let why = match speaks.len() {
        0 => String::new(),
        1 => format!(" One thing speaks for it: {}.", speaks[0]),
        _ => format!(" What speaks for it: {}.", speaks.join("; ")),
    };
    let who = match (tool.corrected, tool.confidence >= 1.0) {
        (true, _) => " The class was corrected by hand.",
        (false, true) => " A person has looked at it.",
        (false, false) => {
            " It was read from the tool's name, text and arguments by fixed rules; nobody has run it."
        }
    };
    let reads = tool.class == ToolClass::Read;
    let means = match tool.risk {
        Risk::Low => " Low means that a wrong call does little harm.",
        Risk::Medium if reads => {
            " Medium means here that it can return what not everyone should see, or what tells the \
             model what to do."
        }
        Risk::Medium => " Medium means that a wrong call can be put right.",
        Risk::High if reads => {
            " High means here that what it returns does harm in the wrong hands."
        }
        Risk::High => " High means that a wrong call has effects outside that take work to undo.",
        Risk::Critical => " Critical means that the harm of a wrong call may be final.",
    };
    format!("{level}{means} {class}{why}{who}")
}

fn arguments(tool: &KnownTool, name: &str) -> String {
    let Some(known) = &tool.args else {
        return format!(
            "The arguments of {name} are not known here, so no check on one is suggested; a limit \
             on calls works without knowing them."
        );
    };
    if known.is_empty() {
        return format!("None: {name} takes no arguments.");
    }
    let risky: Vec<String> = known
        .iter()
        .filter_map(|argument| {
            let why = match meaning(argument) {
                Some(is) => why(is),
                None if is_address(argument) => "an address",
                None => return None,
            };
            Some(format!("{} ({why})", shown(&argument.path)))
        })
        .collect();
    let takes = match known.len() {
        1 => "one argument".to_owned(),
        more => format!("{more} arguments"),
    };
    let more = risky.len().saturating_sub(NAMED_MAX);
    let named = list(&risky[..risky.len() - more]);
    match risky.len() {
        0 if known.len() == 1 => format!(
            "{name} takes one argument, whose name says nothing of a risk. What its value may be still \
             depends on what the server does with it."
        ),
        0 => format!(
            "{name} takes {takes}, and none stands out by its name. What a value may be still \
             depends on what the server does with it."
        ),
        1 if known.len() == 1 => {
            format!("{name} takes one argument, which its name tells of: {named}.")
        }
        1 => format!("{name} takes {takes}. One stands out by its name: {named}."),
        _ if more == 0 => format!("{name} takes {takes}. These stand out by their names: {named}."),
        _ => format!(
            "{name} takes {takes}. These stand out by their names: {named}, and {more} more."
        ),
    }
}

/// Whether it is some kind of address, though perhaps none of the web.
fn is_address(argument: &KnownArgument) -> bool {
    let words = words(&argument.path);
    matches!(words.last().map(String::as_str), Some("url" | "uri"))
}

const fn why(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::FilePath => "a path, which may lead out of the folder that is meant",
        Meaning::WebAddress => "an address, which may lead into your own network",
        Meaning::Branch => "a branch, which may be a protected one",
        Meaning::Force => "turns off a safeguard",
        Meaning::Command => "a command, which is run",
        Meaning::Sql => "a query, which may change or reveal anything the account can",
        Meaning::Code => "code, which may be run",
        Meaning::Amount => "an amount",
        Meaning::Recipient => "decides who receives something",
        Meaning::Secret => "a secret, which the agent would have to know",
    }
}

fn provider(server: &KnownServer, tool: &KnownTool, name: &str) -> String {
    let origin = server.origin;
    let said = |text: &str| origin.said(&shown(text)).into_owned();
    let of = said(&server.name);
    let by = match &server.vendor {
        Some(vendor) => format!("{of}, published by {}", said(vendor)),
        None => format!("{of}; who publishes it is not known here"),
    };
    let official = match server.official {
        true => " The product's own maker publishes it.",
        false => "",
    };
    let hosted = server
        .platform
        .as_ref()
        .map_or_else(String::new, |platform| {
            format!(
                " It is one of the integrations that {} hosts.",
                shown(platform)
            )
        });
    let version = server.version.as_ref().map_or_else(String::new, |version| {
        format!(" This page speaks of version {}.", shown(version))
    });
    let date = server.tools_date.map_or_else(String::new, |date| {
        format!(
            " Its tool list is of {} {} {}; a later version may differ.",
            date.day(),
            date.month(),
            date.year()
        )
    });
    let hinted = match tool.hints.read_only_hint == Some(true) && tool.class != ToolClass::Read {
        true => " The server says of the tool that it only reads; its name and text say otherwise.",
        false => "",
    };
    format!("{name} is a tool of {by}.{official}{hosted}{version}{date}{hinted}")
}

/// A name without what a person cannot see, and not without end.
fn shown(name: &str) -> String {
    let visible = |c: &char| {
        !c.is_control()
            && !matches!(*c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let mut text: String = name
        .chars()
        .filter(visible)
        .take(SHOWN_CHARS_MAX * 2)
        .collect();
    if !is_nameable(name) && text.chars().count() > SHOWN_CHARS_MAX {
        text = text.chars().take(SHOWN_CHARS_MAX).collect();
        text.push('…');
    }
    match text.trim() {
        "" => "a tool without a name".to_owned(),
        _ => text,
    }
}

/// A sentence as it continues another.
fn lowered(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
