//! Why an action was not done, and who can act on it.

use domain::Capability;
use store::StoreError;

/// One field of what was asked that cannot be taken as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldFault {
    /// RFC 6901, from the root of what was asked: `/upstream_url`, `/auth/headers/Host`. Pages find
    /// their input by it.
    pub pointer: String,
    /// What is wrong, to be read after the field's name: "is already in use".
    pub detail: String,
}

impl FieldFault {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.to_string(),
        }
    }
}

/// Why an action was not done. Each door turns it into its own kind of answer in one `match`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActionError {
    /// Fields that cannot be taken as they are; at least one.
    #[error("{}", sentence(.0))]
    Fields(Vec<FieldFault>),
    /// No such thing in this organisation; another organisation's thing is this too.
    #[error("not found")]
    NotFound,
    /// The role does not have the capability.
    #[error("your role cannot {}", .0.sentence())]
    Forbidden(Capability),
    /// No key may do this, whatever its role.
    #[error("an API key cannot {0}")]
    NotForKeys(&'static str),
    /// The thing changed since the caller read it.
    #[error("it changed since it was read")]
    Stale,
    /// The thing's present state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The policy document is not valid; at least one fault.
    #[error("the policy is not valid")]
    Policy(Vec<policy::Fault>),
    /// The upstream server did not do its part; the sentence is for a person.
    #[error("{0}")]
    Upstream(String),
    /// Too many attempts.
    #[error("too many attempts; try again in {retry_after_s} s")]
    Throttled {
        /// Whole seconds until another attempt is counted.
        retry_after_s: u32,
    },
    /// A stored value cannot be read. Someone should look.
    #[error("something that is stored cannot be read")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Postgres failed or is not reachable.
    #[error("the database cannot be reached right now; try again in a moment")]
    Unavailable(#[source] StoreError),
}

fn sentence(faults: &[FieldFault]) -> String {
    faults
        .iter()
        .map(|fault| format!("{} {}", fault.pointer.trim_start_matches('/'), fault.detail))
        .collect::<Vec<_>>()
        .join("; ")
}

impl ActionError {
    /// One field at fault.
    pub(crate) fn field(pointer: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Fields(vec![FieldFault::new(pointer, detail)])
    }
}

impl From<StoreError> for ActionError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::Taken { field } => Self::field(format!("/{field}"), "is already in use"),
            StoreError::Stale => Self::Stale,
            StoreError::Conflict(why) => Self::Conflict(why.into()),
            StoreError::Throttled { retry_after_s } => Self::Throttled { retry_after_s },
            StoreError::Corrupt { .. } => Self::Broken(Box::new(error)),
            StoreError::Database(_) => Self::Unavailable(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_is_a_fault_of_its_field() {
        let error = ActionError::from(StoreError::Taken { field: "slug" });
        assert_eq!(error.to_string(), "slug is already in use");
        let ActionError::Fields(faults) = error else {
            panic!("{error:?}")
        };
        assert_eq!(faults, [FieldFault::new("/slug", "is already in use")]);
    }
}
