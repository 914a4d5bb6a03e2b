//! Applying the migrations, and saying what is missing.

use crate::Result;

/// Applies every migration that is missing, under an advisory lock so that replicas may race.
/// `url` is the owner's login. Answers how many were applied.
pub async fn run(url: &str) -> Result<usize> {
    todo!()
}

/// The names of the migrations that are missing.
pub async fn missing(url: &str) -> Result<Vec<String>> {
    todo!()
}

/// Makes the audit partitions of this month and the next three, if they are not there.
pub async fn make_partitions(db: &crate::Db) -> Result<()> {
    todo!()
}
