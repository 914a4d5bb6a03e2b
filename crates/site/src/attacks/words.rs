//! What the pages of attacks say in words of ours.

use catalog::attacks::Stops;
use domain::tools::ToolClass;
use time::{Date, Month, format_description::BorrowedFormatItem, macros::format_description};

use crate::links;

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// `2025-07-08` as 8 July 2025, `2025-11` as November 2025, `2026` as it is.
pub(super) fn day(text: &str) -> String {
    if let Ok(date) = Date::parse(text, DAY) {
        return format!("{} {} {}", date.day(), date.month(), date.year());
    }
    let month = text.split_once('-').and_then(|(year, month)| {
        let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
        Some(format!("{month} {year}"))
    });
    month.unwrap_or_else(|| text.to_owned())
}

/// `tool-poisoning` as Tool poisoning.
pub(super) fn class(class: &str) -> String {
    match class {
        "ssrf" => "Server-side request forgery".to_owned(),
        "sql-injection" => "SQL injection".to_owned(),
        "dns-rebinding" => "DNS rebinding".to_owned(),
        _ => {
            let mut words = class.replace('-', " ");
            if let Some(first) = words.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            words
        }
    }
}

/// Whether a policy stops it, as a chip says it.
pub(super) fn stops(stops: &Stops) -> &'static str {
    match stops {
        Stops::Yes => "stopped",
        Stops::Partly => "partly",
        Stops::No => "not stopped",
    }
}

/// The same in a sentence.
pub(super) fn stops_in_full(stops: &Stops) -> &'static str {
    match stops {
        Stops::Yes => "Tollgate stops it",
        Stops::Partly => "Tollgate stops a part of it",
        Stops::No => "Tollgate does not stop it",
    }
}

/// The chip's look, which never stands alone.
pub(super) fn stops_look(stops: &Stops) -> &'static str {
    match stops {
        Stops::Yes => "chip-allowed",
        Stops::Partly => "chip-depends",
        Stops::No => "chip-refused",
    }
}

/// A class of tools, as the page of tools like that is called.
pub(super) fn tools_of(class: &ToolClass) -> &'static str {
    match class {
        ToolClass::Read => "tools that read",
        ToolClass::Write => "tools that write",
        ToolClass::Execute => "tools that execute",
        ToolClass::Destructive => "tools that destroy",
        ToolClass::Financial => "tools that move money",
    }
}

/// Where a CVE's record is.
pub(super) fn record(cve: &str) -> String {
    format!("https://www.cve.org/CVERecord?id={}", links::segment(cve))
}

/// An address as it is shown: without its scheme.
pub(super) fn shown(source: &str) -> &str {
    source.trim_start_matches("https://").trim_end_matches('/')
}

/// What a tool with such a signal does.
pub(super) fn signal(id: &str) -> &str {
    match id {
        "access_change" => "changes who may do what",
        "amount_argument" => "takes an amount",
        "bulk_operation" => "works in bulk",
        "external_message" => "reaches other people",
        "file_path_input" => "accepts a file path",
        "hidden_instructions" => "has text that gives the model orders",
        "irreversible" => "cannot simply be undone",
        "moves_money" => "moves money",
        "paid_generation" => "makes media, which costs",
        "private_data" => "returns mail, messages or the like",
        "raw_query" => "takes a query of the caller's",
        "reruns_ci" => "starts a workflow of CI/CD again",
        "secret_input" => "takes a secret",
        "secret_output" => "returns secrets",
        "shell_command" => "takes a shell command or code",
        "ui_control" => "acts on what is on a screen",
        "url_input" => "accepts a URL",
        "writes_file" => "writes a file",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_exact_as_they_are_known() {
        assert_eq!(day("2025-07-08"), "8 July 2025");
        assert_eq!(day("2025-11"), "November 2025");
        assert_eq!(day("2026"), "2026");
    }

    #[test]
    fn every_signal_of_an_attack_has_words() {
        for attack in catalog::attacks::attacks() {
            for id in &attack.signals {
                assert_ne!(signal(id), id, "{}", attack.id);
            }
        }
    }
}
