//! Lines of a file that may hold anything.

use std::io::{self, BufRead, Read as _};

/// Longer lines are not kept.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The next line without its end: none at the end of the file; an error in words where the line is
/// too long or no text, and the reader is at the next one.
pub(super) fn next(reader: &mut impl BufRead) -> io::Result<Option<Result<String, &'static str>>> {
    let mut bytes = Vec::new();
    let read = reader
        .by_ref()
        .take(LINE_BYTES_MAX + 1)
        .read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && read as u64 > LINE_BYTES_MAX {
        reader.skip_until(b'\n')?;
        return Ok(Some(Err("is longer than 4 MiB")));
    }
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Some(
        String::from_utf8(bytes).map_err(|_| "is no text in UTF-8"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_does_not_hide_the_next() {
        let mut file = b"one\r\n\xff\n".to_vec();
        file.extend(vec![b'x'; 5 << 20]);
        file.extend(b"\n\nlast");
        let mut reader = io::BufReader::new(file.as_slice());
        let mut line = || next(&mut reader).expect("it reads");
        assert_eq!(line(), Some(Ok("one".to_owned())));
        assert_eq!(line(), Some(Err("is no text in UTF-8")));
        assert_eq!(line(), Some(Err("is longer than 4 MiB")));
        assert_eq!(line(), Some(Ok(String::new())));
        assert_eq!(line(), Some(Ok("last".to_owned())));
        assert_eq!(line(), None);
    }
}
