//! Why a request got no answer.

use std::{net::IpAddr, time::Duration};

/// Why a request got no answer, told apart by what is known of the request's fate.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Not a byte of the request was sent.
    #[error("{0}")]
    NotSent(NotSent),
    /// Something was sent and no answer came, or the answer broke off. Whether the request had its
    /// effect is unknown.
    #[error("the server closed the connection without an answer")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something came back that is not HTTP/1.1, or a head beyond every bound.
    #[error("the server's answer is not valid HTTP")]
    Invalid(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No response head within the time allowed. Whether the request had its effect is unknown.
    #[error("the server said nothing for {0:?}")]
    Timeout(Duration),
}

impl From<NotSent> for UpstreamError {
    fn from(error: NotSent) -> Self {
        Self::NotSent(error)
    }
}

impl From<hyper::Error> for UpstreamError {
    fn from(error: hyper::Error) -> Self {
        if error.is_parse() || error.is_parse_too_large() {
            Self::Invalid(error.into())
        } else {
            Self::Broken(error.into())
        }
    }
}

/// Why nothing was sent at all.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// The resolver knows no address for the name.
    #[error("its name does not resolve")]
    Dns,
    /// Every address it has is one that [`crate::Guard`] refuses, or Tollgate's own. The first.
    #[error("its address {0} is not one that may be dialled")]
    Refused(IpAddr),
    /// The request carries a credential, the URL is plain http, and the operator has not allowed
    /// the address.
    #[error("a credential is not sent to {0} over plain http; use https")]
    PlainHttp(IpAddr),
    /// No address accepted a connection.
    #[error("it does not accept connections")]
    Connect,
    /// The TLS handshake failed: mostly, a certificate that is not valid for the name.
    #[error("its TLS handshake failed: {0}")]
    Tls(String),
    /// Resolving, connecting and the TLS handshake together took too long.
    #[error("connecting took longer than {0:?}")]
    Timeout(Duration),
    /// The bound on connections to one server is reached.
    #[error("{0} connections to it are open already")]
    Busy(usize),
}
