//! The few things that can be done, whichever door they are asked for through.
//!
//! An action takes parsed domain types, asks the role for the capability it needs, makes the one
//! change and answers with what is stored now. Pages and the admin API parse before and render
//! after; neither holds a rule of its own.

pub(crate) mod api_keys;
pub(crate) mod decide;
pub(crate) mod discovery;
mod error;
pub(crate) mod examine;
pub(crate) mod expiry;
pub(crate) mod grants;
pub(crate) mod headers;
pub(crate) mod judged;
pub(crate) mod merge;
pub(crate) mod policies;
pub(crate) mod preview;
pub(crate) mod scan;
pub(crate) mod servers;
pub(crate) mod starters;
pub(crate) mod subject;

use domain::{Capability, Scope};

pub(crate) use error::{ActionError, FieldFault};
pub(crate) use expiry::Expiry;
pub(crate) use grants::escape;

/// The deepest nesting of a call's arguments that is judged: what the gateway reads too.
pub(crate) const ARGUMENTS_DEPTH_MAX: u16 = 64;

/// What every action answers.
pub(crate) type Result<T, E = ActionError> = std::result::Result<T, E>;

/// Goes on only if the actor's role has the capability.
///
/// # Errors
/// [`ActionError::Forbidden`], whatever the action is about: whether a thing exists is not told to
/// someone who may not touch things of its kind.
pub(crate) const fn require(scope: &Scope, capability: Capability) -> Result<()> {
    if scope.may(capability) {
        Ok(())
    } else {
        Err(ActionError::Forbidden(capability))
    }
}
