//! The rail: where a page stands among the others.

use crate::session::Shell;

/// A link: path, word, icon and mark.
type Link = (&'static str, &'static str, &'static str);

/// What is looked at daily.
pub(crate) const TRAFFIC: [Link; 4] = [
    ("/overview", "Overview", "overview"),
    ("/servers", "Servers", "servers"),
    ("/grants", "Grants", "grants"),
    ("/audit", "Audit", "audit"),
];

const SETTINGS: [Link; 3] = [
    ("/members", "Members", "members"),
    ("/api-keys", "API keys", "keys"),
    ("/settings", "Settings", "settings"),
];

const EVENTS: Link = ("/admin-events", "Admin events", "events");

pub(crate) fn in_settings(active: &str) -> bool {
    [EVENTS].iter().chain(&SETTINGS).any(|(_, _, mark)| *mark == active)
}

impl Shell {
    /// What is looked at now and then, as far as the role may.
    pub(crate) fn people(&self) -> Vec<&'static Link> {
        let may = |link: &&Link| match link.2 {
            "keys" => self.manages_organisation(),
            "events" => self.reads_events(),
            _ => true,
        };
        SETTINGS[..2].iter().chain([&EVENTS]).chain(&SETTINGS[2..]).filter(may).collect()
    }

    /// The role in words.
    pub(crate) fn role(&self) -> String {
        let role = match self.scope.role {
            domain::Role::Owner => "Owner",
            domain::Role::Admin => "Admin",
            domain::Role::PolicyManager => "Policy manager",
            domain::Role::Viewer => "Viewer",
        };
        if self.scope.auditor { format!("{role}, auditor") } else { role.to_owned() }
    }
}

/// What was just done, said once at the top of the next page. The word comes from the URL, so only
/// words of this list are said.
pub(crate) fn done(query: Option<&str>) -> Option<&'static str> {
    let word = query?.split('&').find_map(|pair| pair.strip_prefix("done="))?;
    Some(match word {
        "server-added" => "Server added",
        "server-saved" => "Server saved",
        "server-deleted" => "Server deleted",
        "credential-removed" => "Server saved. Its address changed, so its credential was removed",
        "discovered" => "Tool list refreshed",
        "class-set" => "Class set",
        "policy-saved" => "Version saved; it is not published yet",
        "policy-published" => "Version published. Gateways follow within a second",
        "policy-renamed" => "Policy renamed",
        "policy-deleted" => "Policy deleted",
        "grant-saved" => "Grant saved",
        "grant-paused" => "Grant paused. Its calls are refused until it is resumed",
        "grant-resumed" => "Grant resumed",
        "grant-revoked" => "Grant revoked. Its calls are refused from now on",
        "key-revoked" => "API key revoked",
        "password-changed" => "Password changed. Every other session was ended",
        "organisation-made" => "Organisation made",
        _ => return None,
    })
}
