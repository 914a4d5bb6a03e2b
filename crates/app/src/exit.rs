//! What a command's end tells the shell.

use std::process::ExitCode;

/// Something that should answer does not: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotReachable(pub(crate) String);

/// The command or its configuration is not one that can be run: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// A policy was refused by whom it was sent to: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// A policy refused, or a test failed. No error: the command did its work.
pub(crate) const REFUSED: u8 = 3;

/// 0 done, 1 error, 2 usage, 4 not reachable; 3 is [`REFUSED`].
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    for cause in error.chain() {
        if cause.is::<NotReachable>() {
            return ExitCode::from(4);
        }
        if cause.is::<Usage>() {
            return ExitCode::from(2);
        }
        if cause.is::<Refused>() {
            return ExitCode::from(REFUSED);
        }
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context as _, anyhow};

    #[test]
    fn the_code_is_found_through_the_context() {
        let wrapped = Err::<(), _>(NotReachable("no".into())).context("while starting");
        assert_eq!(code(&wrapped.unwrap_err()), ExitCode::from(4));
        assert_eq!(code(&Usage("no".into()).into()), ExitCode::from(2));
        assert_eq!(code(&anyhow!("no")), ExitCode::FAILURE);
    }
}
