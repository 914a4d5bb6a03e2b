//! What a server offers: tools, their class and their risk.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The worst that normal use of a tool does, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolClass {
    /// Only returns something.
    Read,
    /// Changes data in a way that can be changed back.
    Write,
    /// Sets code, a process or a device going.
    Execute,
    /// Removes something that the same interface cannot bring back.
    Destructive,
    /// Moves money or makes an obligation to pay.
    Financial,
}

impl ToolClass {
    /// Every class, mildest first.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Write,
        Self::Execute,
        Self::Destructive,
        Self::Financial,
    ];

    /// The class as it is written in policies, columns and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
            Self::Destructive => "destructive",
            Self::Financial => "financial",
        }
    }

    /// The risk that follows from the class alone.
    #[must_use]
    pub const fn risk(self) -> Risk {
        match self {
            Self::Read => Risk::Low,
            Self::Write => Risk::Medium,
            Self::Execute => Risk::High,
            Self::Destructive | Self::Financial => Risk::Critical,
        }
    }
}

impl fmt::Display for ToolClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of read, write, execute, destructive and financial")]
pub struct BadClass;

impl FromStr for ToolClass {
    type Err = BadClass;

    fn from_str(text: &str) -> Result<Self, BadClass> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or(BadClass)
    }
}

/// How much harm a call can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Reads.
    Low,
    /// Writes that can be undone.
    Medium,
    /// Runs things.
    High,
    /// Deletes or pays.
    Critical,
}

impl Risk {
    /// The risk as it is written on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of a server's tool inventory: a tool as the server described it when last asked.
///
/// The name is the upstream's own text. It may be one that no call can use (see
/// [`crate::ToolName`]); such a tool is kept so that people see it, and is never let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// The name, byte for byte as the upstream gave it.
    pub name: String,
    /// What the upstream says of it. Untrusted text.
    pub title: Option<String>,
    /// What the upstream says it does. Untrusted text.
    pub description: Option<String>,
    /// The whole definition as the upstream sent it, as JSON text.
    pub definition: String,
    /// The class that this organisation works with: the catalogue's or a member's correction.
    pub class: Option<ToolClass>,
}
