//! What the console is told about the place it runs in.

use std::net::IpAddr;

use ipnet::IpNet;

/// Where mail goes.
#[derive(Debug)]
pub enum Mail {
    /// No mail: addresses need no confirmation, and links are shown or printed by the command line.
    Off,
    /// `dev`: printed to the terminal. Addresses need no confirmation.
    Terminal,
    /// Sent. Addresses are confirmed before they can sign in.
    Smtp {
        /// `smtp://` or `smtps://`, with the account in it.
        url: secrecy::SecretString,
        /// The sender, such as `Tollgate <no-reply@example.com>`.
        from: String,
    },
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUp {
    /// Anyone.
    Open,
    /// Only people who were invited.
    Invite,
    /// Nobody; accounts are made on the command line.
    Closed,
}

/// What the console is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://host[:port]`, without a slash at its end. Cookies are `Secure` where it is https.
    pub public_url: String,
    /// Who may sign up.
    pub sign_up: SignUp,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Who gets what people write in the contact form; it is only stored where nobody does.
    pub contact_email: Option<domain::Email>,
    /// The version of this build.
    pub version: &'static str,
    /// Plain-http upstreams get credentials only inside these ranges.
    pub upstream_allow: Vec<IpNet>,
}

impl Settings {
    /// What the public site needs to know of it.
    pub(crate) fn site(&self) -> site::Settings {
        site::Settings {
            public_url: self.public_url.clone(),
            sign_up_open: self.sign_up == SignUp::Open,
            version: self.version,
        }
    }

    /// Whether people reach the console by https.
    #[must_use]
    pub fn https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Whose request this is: the peer, or what the nearest trusted proxy says of it.
    ///
    /// `forwarded` is `X-Forwarded-For` as it came, all its lines joined. It is read from its end,
    /// because only what a trusted proxy appended is worth anything.
    #[must_use]
    pub fn client_address(&self, peer: IpAddr, forwarded: Option<&str>) -> IpAddr {
        let trusted =
            |address: &IpAddr| self.trusted_proxies.iter().any(|net| net.contains(address));
        let mut nearest = peer;
        let Some(forwarded) = forwarded else {
            return nearest;
        };
        for hop in forwarded.rsplit(',') {
            if !trusted(&nearest) {
                break;
            }
            let Ok(hop) = hop.trim().parse() else { break };
            nearest = hop;
        }
        nearest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(proxies: &[&str]) -> Settings {
        Settings {
            public_url: "https://tollgate.example".to_owned(),
            sign_up: SignUp::Open,
            trusted_proxies: proxies
                .iter()
                .map(|net| net.parse().expect("a range"))
                .collect(),
            contact_email: None,
            version: "0",
            upstream_allow: Vec::new(),
        }
    }

    #[test]
    fn only_trusted_proxies_say_who_is_calling() {
        let peer: IpAddr = "10.0.0.1".parse().expect("an address");
        let told = Some("1.1.1.1, 203.0.113.9, 10.0.0.2");
        let address = |settings: Settings, told| settings.client_address(peer, told).to_string();
        assert_eq!(address(behind(&[]), told), "10.0.0.1");
        assert_eq!(address(behind(&["10.0.0.0/8"]), told), "203.0.113.9");
        assert_eq!(
            address(behind(&["10.0.0.0/8"]), Some("rubbish")),
            "10.0.0.1"
        );
        assert_eq!(address(behind(&["10.0.0.0/8"]), None), "10.0.0.1");
    }
}
