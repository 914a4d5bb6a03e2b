//! Which attacks belong to which tools, and to each other.

use domain::catalogue::{KnownServer, KnownTool};

use super::{Attack, Control, attacks};

/// Attacks that a tool is open to: of its class, and by its name or one of its signals. A flaw of
/// certain servers is among them on those, and elsewhere where the entry says why ([`Attack::why`]).
/// Those that go through no tool in particular are not ([`attacks_on_any`]). `server` is none where
/// nobody knows whose the tool is.
#[must_use]
pub fn attacks_on(server: Option<&KnownServer>, tool: &KnownTool) -> Vec<&'static Attack> {
    attacks()
        .iter()
        .filter(|attack| attack.meets(server, tool))
        .collect()
}

/// Attacks that go through no tool in particular: they name neither servers, tools nor signals.
#[must_use]
pub fn attacks_on_any() -> Vec<&'static Attack> {
    attacks()
        .iter()
        .filter(|attack| attack.is_on_any())
        .collect()
}

/// Other attacks like one: of its class first, then those with most in common; at most 6.
#[must_use]
pub fn related(attack: &Attack) -> Vec<&'static Attack> {
    let mut likes: Vec<(usize, &Attack)> = attacks()
        .iter()
        .filter(|other| other.id != attack.id)
        .map(|other| (likeness(attack, other), other))
        .filter(|(likeness, _)| *likeness >= 3)
        .collect();
    likes.sort_by_key(|(likeness, _)| std::cmp::Reverse(*likeness));
    likes.into_iter().take(6).map(|(_, other)| other).collect()
}

/// A class in common says more than a tool, a tool more than a signal.
fn likeness(one: &Attack, other: &Attack) -> usize {
    let common = |a: &[String], b: &[String]| a.iter().filter(|it| b.contains(it)).count();
    let class = if one.class == other.class { 6 } else { 0 };
    class + 3 * common(&one.tools, &other.tools) + 2 * common(&one.signals, &other.signals)
}

/// Whether a tool has such a name, in whatever way its words are joined: `drop-database` and
/// `dropDatabase` are called `drop_database`.
fn is_called(name: &str, wanted: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = char> + '_ {
        let letters = text.chars().filter(|it| it.is_alphanumeric());
        letters.map(|it| it.to_ascii_lowercase())
    }
    letters(name).eq(letters(wanted))
}

/// Hosts and owners are the same in any letters; packages with a capital are rare.
fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    plain(one) == plain(other)
}

impl Attack {
    /// Whether it goes through such a tool.
    #[must_use]
    pub fn meets(&self, server: Option<&KnownServer>, tool: &KnownTool) -> bool {
        if !self.classes.contains(&tool.class) {
            return false;
        }
        let known_by =
            self.tools.iter().any(|it| is_called(&tool.name, it)) || self.is_signalled_by(tool);
        match server.is_some_and(|server| self.is_flaw_of(server)) {
            true => known_by || !self.names_tools(),
            false => known_by && (self.servers.is_empty() || self.why.is_some()),
        }
    }

    /// Whether it is a flaw of this very server, though perhaps not of each of its versions.
    #[must_use]
    pub fn is_flaw_of(&self, server: &KnownServer) -> bool {
        let addresses = server.repo.iter().chain(&server.remote_url);
        server
            .packages
            .iter()
            .chain(addresses)
            .any(|one| self.servers.iter().any(|it| same(it, one)))
    }

    /// Whether it goes through any tool, or through none.
    #[must_use]
    pub fn is_on_any(&self) -> bool {
        self.servers.is_empty() && !self.names_tools()
    }

    fn names_tools(&self) -> bool {
        !(self.tools.is_empty() && self.signals.is_empty())
    }

    fn is_signalled_by(&self, tool: &KnownTool) -> bool {
        let enough = self.signal_classes.is_empty() || self.signal_classes.contains(&tool.class);
        enough && tool.signals.iter().any(|it| self.signals.contains(&it.id))
    }

    /// Features against it that Tollgate has.
    pub fn available(&self) -> impl Iterator<Item = Control> + '_ {
        Control::ALL
            .into_iter()
            .filter(|it| it.available() && self.controls.contains(it))
    }

    /// Features that would help and that Tollgate does not have yet.
    pub fn planned(&self) -> impl Iterator<Item = Control> + '_ {
        Control::ALL
            .into_iter()
            .filter(|it| !it.available() && self.controls.contains(it))
    }
}
