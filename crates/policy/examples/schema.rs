//! Prints the JSON Schema of the language, as `docs/policy-1.schema.json` keeps it.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(policy::json_schema().as_bytes())
}
