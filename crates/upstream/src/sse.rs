//! Server-sent events.
//!
//! Source: the WHATWG's HTML standard, section 9.2.6, "Interpreting an event stream".

/// One event, as the standard dispatches it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The event's type, where one was given; without one it is `message`.
    pub event: Option<String>,
    /// The data, its lines joined by line feeds.
    pub data: String,
    /// The last event id, where this event set it. Empty resets it.
    pub id: Option<String>,
    /// The reconnection time in milliseconds, where this event set it.
    pub retry: Option<u64>,
}

/// A parser that is fed bytes as they come. However they are cut, the events are the same.
///
/// An `id` or `retry` in a block without data dispatches nothing by the standard, and yet counts
/// from there on: it is carried by the next event that does not set its own.
#[derive(Debug)]
pub struct Parser {
    event_bytes_max: usize,
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// The block that is not complete yet.
    pending: Event,
    /// Whether the block has a `data` field, an empty one included.
    has_data: bool,
    /// The last byte was a CR, so an LF now belongs to it.
    after_cr: bool,
    /// Nothing but a byte-order mark can have been seen.
    at_start: bool,
    failed: bool,
}

/// An event, or a line of one, beyond the bound. The stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {0} bytes")]
pub struct TooLong(pub usize);

const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Parser {
    /// A parser that holds at most `event_bytes_max` bytes of an event that is not complete.
    #[must_use]
    pub fn new(event_bytes_max: usize) -> Self {
        Self {
            event_bytes_max,
            line: Vec::new(),
            pending: Event::default(),
            has_data: false,
            after_cr: false,
            at_start: true,
            failed: false,
        }
    }

    /// Takes the next bytes and appends the events they complete to `out`.
    ///
    /// # Errors
    /// [`TooLong`]; the events before the long one are in `out`, and every later call fails too.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), TooLong> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.failed {
            if self.after_cr {
                self.after_cr = false;
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', rest);
            let part = &rest[..end.unwrap_or(rest.len())];
            if self.held() + part.len() > self.event_bytes_max {
                self.failed = true;
                break;
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            self.end_of_line(out);
        }
        if self.failed {
            Err(TooLong(self.event_bytes_max))
        } else {
            Ok(())
        }
    }

    /// Ends the stream. The standard drops an event without its closing blank line; servers leave
    /// it out all the same and clients read on, so whoever must see what a client may see asks here
    /// for what was left over.
    #[must_use]
    pub fn finish(mut self) -> Option<Event> {
        let mut out = Vec::new();
        if !self.failed {
            self.end_of_line(&mut out);
            self.dispatch(&mut out);
        }
        out.pop()
    }

    fn held(&self) -> usize {
        let text = |field: &Option<String>| field.as_ref().map_or(0, String::len);
        self.line.len()
            + self.pending.data.len()
            + text(&self.pending.event)
            + text(&self.pending.id)
    }

    fn end_of_line(&mut self, out: &mut Vec<Event>) {
        let line = std::mem::take(&mut self.line);
        let start = if self.at_start && line.starts_with(BOM) {
            BOM.len()
        } else {
            0
        };
        self.at_start = false;
        self.take_line(&line[start..], out);
        // The buffer is kept for the next line.
        self.line = line;
        self.line.clear();
    }

    fn take_line(&mut self, line: &[u8], out: &mut Vec<Event>) {
        if line.is_empty() {
            self.dispatch(out);
            return;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.has_data {
                    self.pending.data.push('\n');
                }
                self.has_data = true;
                self.pending.data.push_str(&String::from_utf8_lossy(value));
            }
            b"event" => self.pending.event = Some(String::from_utf8_lossy(value).into_owned()),
            b"id" if !value.contains(&0) => {
                self.pending.id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                let digits = str::from_utf8(value).unwrap_or_default();
                self.pending.retry = digits.parse().ok().or(self.pending.retry);
            }
            // A comment, or a field that nobody knows.
            _ => {}
        }
    }

    fn dispatch(&mut self, out: &mut Vec<Event>) {
        if self.has_data {
            self.has_data = false;
            let mut event = std::mem::take(&mut self.pending);
            event.event = event.event.filter(|name| !name.is_empty());
            out.push(event);
        } else {
            self.pending.event = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &[u8]) -> Vec<Event> {
        let mut out = Vec::new();
        Parser::new(1 << 20).push(text, &mut out).expect("short");
        out
    }

    fn data(data: &str) -> Event {
        Event {
            data: data.into(),
            ..Event::default()
        }
    }

    /// The examples of the standard, section 9.2.6, and its corners.
    #[test]
    fn events_are_those_of_the_standard() {
        for (stream, events) in [
            (
                "data: YHOO\ndata: +2\ndata: 10\n\n",
                vec![data("YHOO\n+2\n10")],
            ),
            ("data\n\ndata\ndata\n\ndata:", vec![data(""), data("\n")]),
            (
                "data:test\n\ndata: test\n\n",
                vec![data("test"), data("test")],
            ),
            ("data:  two blanks\n\n", vec![data(" two blanks")]),
            (
                ": a comment\n\n: another\ndata: x\n: inside\n\n",
                vec![data("x")],
            ),
            (
                "data: a\r\rdata: b\r\n\r\ndata: c\n\n",
                vec![data("a"), data("b"), data("c")],
            ),
            ("data: a\r\n\n", vec![data("a")]),
            ("\n\n\r\r\n\n", vec![]),
            ("data: cut off\n", vec![]),
            ("DATA: x\nData: y\n data: z\n\n", vec![]),
            ("nonsense\nfoo: bar\ndata: x\n\n", vec![data("x")]),
            ("data: a:b: c\n\n", vec![data("a:b: c")]),
            ("\u{FEFF}data: x\n\n", vec![data("x")]),
            ("\u{FEFF}\u{FEFF}data: x\n\n", vec![]),
            ("data: x\n\n\u{FEFF}data: y\n\n", vec![data("x")]),
        ] {
            assert_eq!(parse(stream.as_bytes()), events, "{stream:?}");
        }
    }

    #[test]
    fn every_field_is_read() {
        let events = parse(b"event: add\nid: 7\nretry: 1500\ndata: x\n\nevent:\ndata: y\n\n");
        assert_eq!(
            events,
            [
                Event {
                    event: Some("add".into()),
                    data: "x".into(),
                    id: Some("7".into()),
                    retry: Some(1500)
                },
                data("y"),
            ]
        );
    }

    #[test]
    fn an_id_with_a_nul_and_a_retry_that_is_no_number_are_ignored() {
        let events = parse(b"id: 1\nid: 2\x003\nretry: 5\nretry: 1e3\nretry: -1\ndata: x\n\n");
        assert_eq!(events[0].id.as_deref(), Some("1"));
        assert_eq!(events[0].retry, Some(5));
        assert_eq!(
            parse(b"retry: 99999999999999999999999\ndata: x\n\n")[0].retry,
            None
        );
        assert_eq!(parse(b"id\ndata: x\n\n")[0].id.as_deref(), Some(""));
    }

    #[test]
    fn an_id_without_data_counts_for_the_next_event_and_a_type_does_not() {
        let events = parse(b"id: 1\nevent: lost\n\ndata: x\n\ndata: y\n\n");
        assert_eq!(
            events[0],
            Event {
                data: "x".into(),
                id: Some("1".into()),
                ..Event::default()
            }
        );
        assert_eq!(events[1], data("y"));
    }

    #[test]
    fn what_is_not_utf_8_is_replaced() {
        assert_eq!(parse(b"data: a\xFFb\n\n"), [data("a\u{FFFD}b")]);
    }

    #[test]
    fn an_event_may_be_as_long_as_the_bound_and_no_longer() {
        let long = "x".repeat(300 * 1024);
        let stream = format!("data: {long}\n\n");
        assert_eq!(parse(stream.as_bytes()), [data(&long)]);
        for (count, fits) in [(10, true), (11, false)] {
            let mut parser = Parser::new(16);
            let mut out = Vec::new();
            let stream = format!("data: a\n\ndata: {}\n\n", "x".repeat(count));
            let result = stream
                .bytes()
                .try_for_each(|byte| parser.push(&[byte], &mut out));
            assert_eq!(result.is_ok(), fits);
            assert_eq!(out.len(), if fits { 2 } else { 1 });
            assert_eq!(
                parser.push(b"data: b\n\n", &mut out).is_ok(),
                fits,
                "it stays failed"
            );
        }
        // Many short lines add up, and comments do not.
        let mut parser = Parser::new(64);
        assert!(
            parser
                .push(&b": ping\n".repeat(100), &mut Vec::new())
                .is_ok()
        );
        assert_eq!(
            parser.push(&b"data: x\n".repeat(100), &mut Vec::new()),
            Err(TooLong(64))
        );
    }

    #[test]
    fn what_was_left_over_can_be_asked_for() {
        for stream in ["data: x", "data: x\n", "data: x\r"] {
            let mut parser = Parser::new(64);
            let mut out = Vec::new();
            parser.push(stream.as_bytes(), &mut out).expect("short");
            assert!(out.is_empty());
            assert_eq!(parser.finish(), Some(data("x")));
        }
        let mut parser = Parser::new(64);
        parser
            .push(b"data: x\n\n: bye", &mut Vec::new())
            .expect("short");
        assert_eq!(parser.finish(), None);
    }

    fn piece() -> impl Strategy<Value = &'static [u8]> {
        prop::sample::select(vec![
            b"data".as_slice(),
            b"event",
            b"id",
            b"retry",
            b":",
            b": ",
            b"\n",
            b"\r",
            b"\r\n",
            b"\n\n",
            b"x",
            b"12",
            b"\x00",
            b"\xEF\xBB\xBF",
            b"\xEF",
            b"\xFF",
            "é".as_bytes(),
            b" ",
        ])
    }

    proptest! {
        #[test]
        fn cutting_the_stream_elsewhere_changes_nothing(
            pieces in prop::collection::vec(piece(), 0..60),
            cuts in prop::collection::vec(1..5_usize, 0..80),
        ) {
            let stream = pieces.concat();
            let whole = parse(&stream);
            let mut parser = Parser::new(1 << 20);
            let mut out = Vec::new();
            let mut rest = stream.as_slice();
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                parser.push(now, &mut out).expect("short");
                rest = later;
            }
            parser.push(rest, &mut out).expect("short");
            prop_assert_eq!(out, whole);
        }
    }
}
