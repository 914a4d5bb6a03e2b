//! The console's pages by path.

use crate::state::Console;

/// Pages by path. The guard has checked the form of every `post` before its handler runs, whatever
/// the handler extracts.
pub(crate) type Routes = site::RoutesOf<Console>;
