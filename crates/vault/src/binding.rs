//! What a sealed value belongs to.

use domain::{GrantId, OrgId, ServerId};

/// What a sealed value is bound to: it opens nowhere else.
///
/// A binding is not secret and is not stored with the value. It is said again by whoever opens the
/// value, from the row or the message at hand, so a value moved to another row, or to another
/// upstream's origin, does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding<'a> {
    /// The header values of a server, for one origin (`https://host:port`).
    UpstreamCredential {
        /// The organisation that owns the server.
        org: OrgId,
        /// The server.
        server: ServerId,
        /// Scheme, host and port that the value may be sent to.
        origin: &'a str,
    },
    /// A session id on its way through a client.
    McpSession {
        /// The server the session is with.
        server: ServerId,
        /// The grant that began it.
        grant: GrantId,
    },
    /// A data key, by its kid.
    DataKey {
        /// The key's name.
        kid: &'a str,
    },
    /// A grants' signing key, by its kid.
    SigningKey {
        /// The key's name.
        kid: &'a str,
    },
}

/// The kinds of [`Binding`], each of which has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    UpstreamCredential,
    McpSession,
    DataKey,
    SigningKey,
}

impl Kind {
    /// Every kind, in the order of their discriminants.
    pub(crate) const ALL: [Self; 4] = [
        Self::UpstreamCredential,
        Self::McpSession,
        Self::DataKey,
        Self::SigningKey,
    ];

    /// What it is called in keys and in associated data. Changing one locks its values up.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::UpstreamCredential => "upstream credential",
            Self::McpSession => "mcp session",
            Self::DataKey => "data key",
            Self::SigningKey => "signing key",
        }
    }
}

/// Begins every associated data, so that no other use of a key can produce the same.
const DOMAIN: &str = "tollgate sealed value 1";

impl Binding<'_> {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::UpstreamCredential { .. } => Kind::UpstreamCredential,
            Self::McpSession { .. } => Kind::McpSession,
            Self::DataKey { .. } => Kind::DataKey,
            Self::SigningKey { .. } => Kind::SigningKey,
        }
    }

    /// The associated data of a value in this place, sealed with the key `kid`.
    ///
    /// Every field stands behind its length, so no two bindings share an encoding.
    pub(crate) fn associated_data(&self, kid: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        field(&mut out, DOMAIN.as_bytes());
        field(&mut out, kid.as_bytes());
        field(&mut out, self.kind().label().as_bytes());
        match self {
            Self::UpstreamCredential {
                org,
                server,
                origin,
            } => {
                field(&mut out, org.uuid().as_bytes());
                field(&mut out, server.uuid().as_bytes());
                field(&mut out, origin.as_bytes());
            }
            Self::McpSession { server, grant } => {
                field(&mut out, server.uuid().as_bytes());
                field(&mut out, grant.uuid().as_bytes());
            }
            Self::DataKey { kid } | Self::SigningKey { kid } => field(&mut out, kid.as_bytes()),
        }
        out
    }
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_place_and_a_label_of_its_own() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            let same = Kind::ALL
                .into_iter()
                .filter(|other| other.label() == kind.label());
            assert_eq!(same.count(), 1);
        }
    }

    #[test]
    fn no_two_bindings_share_an_encoding() {
        let (org, server) = (OrgId::generate(), ServerId::generate());
        let grant = GrantId::generate();
        let all = [
            Binding::UpstreamCredential {
                org,
                server,
                origin: "https://a:443",
            },
            Binding::UpstreamCredential {
                org,
                server,
                origin: "https://a:44",
            },
            Binding::UpstreamCredential {
                org,
                server,
                origin: "",
            },
            Binding::UpstreamCredential {
                org: OrgId::from_uuid(server.uuid()),
                server: ServerId::from_uuid(org.uuid()),
                origin: "https://a:443",
            },
            Binding::McpSession { server, grant },
            Binding::McpSession {
                server: ServerId::from_uuid(grant.uuid()),
                grant: GrantId::from_uuid(server.uuid()),
            },
            Binding::DataKey { kid: "k" },
            Binding::SigningKey { kid: "k" },
            Binding::DataKey { kid: "" },
        ];
        let mut seen = std::collections::HashSet::new();
        for binding in &all {
            for kid in ["a", "ab", ""] {
                assert!(
                    seen.insert(binding.associated_data(kid)),
                    "{binding:?} {kid}"
                );
            }
        }
    }
}
