//! The rail: where a page stands among the others.

use domain::Role;

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

/// What is looked at now and then.
const PEOPLE: [Link; 4] = [
    ("/members", "Members", "members"),
    ("/admin-events", "Admin events", "events"),
    ("/api-keys", "API keys", "keys"),
    ("/settings", "Settings", "settings"),
];

/// The icon of a link: strokes on a grid of 16, coloured by the text around it.
pub(crate) fn icon(mark: &str) -> &'static str {
    match mark {
        "overview" => {
            r#"<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 13V8M6 13V3M10 13V6M14 13V9"/></svg>"#
        }
        "servers" => {
            r#"<svg viewBox="0 0 16 16" aria-hidden="true"><rect x="2" y="2.5" width="12" height="4.5" rx="1.2"/><rect x="2" y="9" width="12" height="4.5" rx="1.2"/><path d="M4.6 4.8h.01M4.6 11.3h.01"/></svg>"#
        }
        "grants" => {
            r#"<svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="5.2" cy="8" r="3"/><path d="M8.2 8H14v2.4M11.4 8v2"/></svg>"#
        }
        "audit" => {
            r#"<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 3.5h10M3 8h10M3 12.5h6"/></svg>"#
        }
        "events" => {
            r#"<svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="5.6"/><path d="M8 4.8V8l2.2 1.6"/></svg>"#
        }
        "members" => {
            r#"<svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="6" cy="5.4" r="2.4"/><path d="M1.8 13.2c.5-2.4 2-3.6 4.2-3.6s3.7 1.2 4.2 3.6M11 3.4a2.3 2.3 0 0 1 0 4.2M12 9.9c1.2.5 2 1.6 2.3 3.1"/></svg>"#
        }
        "keys" => {
            r#"<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M5.5 4 2 8l3.5 4M10.5 4 14 8l-3.5 4"/></svg>"#
        }
        "docs" => {
            r#"<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 4.2C6.6 3.2 4.6 2.8 2 3v9.4c2.6-.2 4.6.2 6 1.2 1.4-1 3.4-1.4 6-1.2V3c-2.6-.2-4.6.2-6 1.2zM8 4.2v9.4"/></svg>"#
        }
        _ => {
            r#"<svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="2.2"/><path d="M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6 5 5M11 11l1.4 1.4M12.4 3.6 11 5M5 11l-1.4 1.4"/></svg>"#
        }
    }
}

pub(crate) fn in_settings(active: &str) -> bool {
    PEOPLE.iter().any(|(_, _, mark)| *mark == active)
}

impl Shell {
    /// What is looked at now and then, as far as the role may.
    pub(crate) fn people(&self) -> Vec<Link> {
        let may = |link: &&Link| match link.2 {
            "keys" => self.manages_organisation(),
            "events" => self.reads_events(),
            _ => true,
        };
        PEOPLE.iter().filter(may).copied().collect()
    }

    /// `aria-current` for the link whose page this is.
    pub(crate) fn current(&self, mark: &str) -> &'static str {
        if self.active == mark {
            " aria-current=\"page\""
        } else {
            ""
        }
    }

    /// The first letter of the address.
    pub(crate) fn initial(&self) -> String {
        self.email
            .chars()
            .take(1)
            .flat_map(char::to_uppercase)
            .collect()
    }

    /// The role in words.
    pub(crate) fn role(&self) -> String {
        role(self.scope.role, self.scope.auditor)
    }
}

/// A role in words.
pub(crate) fn role(role: Role, auditor: bool) -> String {
    let word = match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::PolicyManager => "Policy manager",
        Role::Viewer => "Viewer",
    };
    if auditor {
        format!("{word}, auditor")
    } else {
        word.to_owned()
    }
}

/// What was just done, said once at the top of the next page. The word comes from the URL, so only
/// words of this list are said.
pub(crate) fn done(query: Option<&str>) -> Option<&'static str> {
    let word = query?
        .split('&')
        .find_map(|pair| pair.strip_prefix("done="))?;
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
