//! Classifies tools, one JSON object a line, from standard input to standard output.

use std::io::{self, BufRead, BufWriter, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        writeln!(out, "{}", catalog::classify_line(&line?)?)?;
    }
    Ok(out.flush()?)
}
