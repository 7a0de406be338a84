//! Bytes from lightningd become messages.
//!
//! lightningd ends every message with an empty line and puts none inside
//! (`common/json_stream.c`), and one `read` may return several messages or end
//! inside one. Nothing promises that, so an empty line is only the fast guess:
//! when the text before it is not one whole message, the end is found by
//! following the JSON itself.

use super::message::{FirstWithheld, Malformed, Message};

/// The most that one message may take, in bytes. lightningd has no limit; a
/// `db_write` of some tens of MB is real, half a GB is a fault.
pub const MAX_MESSAGE: usize = 512 << 20;

/// Splits a stream of bytes into messages.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Where the next message begins.
    start: usize,
    /// Up to where the search for an empty line has come.
    searched: usize,
    /// Where following the JSON of the next message has come.
    scan: Scan,
}

/// Where in the JSON of one message the scan is.
#[derive(Debug, Default, Clone, Copy)]
struct Scan {
    /// Bytes of the message already seen.
    offset: usize,
    depth: usize,
    in_string: bool,
}

/// What a scan found.
enum Extent {
    /// The message is this many bytes.
    Whole(usize),
    /// More bytes are needed.
    Partial,
    /// These many bytes can be no message.
    Garbage(usize),
}

impl Framer {
    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.make_room();
        self.buffer.extend_from_slice(bytes);
    }

    /// A buffer to read into; what is appended counts as pushed.
    pub fn space(&mut self) -> &mut Vec<u8> {
        self.make_room();
        &mut self.buffer
    }

    /// Forgets what was consumed, so that a busy stream does not grow the buffer.
    fn make_room(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            // A rare huge message must not be paid for ever.
            if self.buffer.capacity() > 4 << 20 {
                self.buffer.shrink_to(256 << 10);
            }
        } else if self.start > 0 {
            self.buffer.drain(..self.start);
        } else {
            return;
        }
        self.searched = self.searched.saturating_sub(self.start);
        self.start = 0;
    }

    /// The next whole message, or why it is none; `None` when more bytes are needed.
    pub fn next_message(
        &mut self,
        first: &FirstWithheld<'_>,
    ) -> Option<Result<Message, Malformed>> {
        self.skip_white_space();
        if self.start == self.buffer.len() {
            return None;
        }
        let from = self.searched.max(self.start);
        if let Some(found) = empty_line(&self.buffer[from..]) {
            let end = from + found;
            if let Ok(message) = Message::parse(&self.buffer[self.start..end], first) {
                self.consume(end + 2);
                return Some(Ok(message));
            }
        } else {
            self.searched = self.buffer.len().saturating_sub(1).max(self.start);
        }
        match self.extent() {
            Extent::Partial if self.buffer.len() - self.start > MAX_MESSAGE => {
                self.consume(self.buffer.len());
                Some(Err(Malformed::TooLarge(MAX_MESSAGE)))
            }
            Extent::Partial => None,
            Extent::Whole(length) => {
                let end = self.start + length;
                let parsed = Message::parse(&self.buffer[self.start..end], first);
                self.consume(end);
                Some(parsed)
            }
            Extent::Garbage(length) => {
                let end = self.start + length;
                let malformed = Malformed::not_json(&self.buffer[self.start..end]);
                self.consume(end);
                Some(Err(malformed))
            }
        }
    }

    /// Bytes of a message that has not ended.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    fn consume(&mut self, end: usize) {
        self.start = end.min(self.buffer.len());
        self.searched = self.start;
        self.scan = Scan::default();
    }

    fn skip_white_space(&mut self) {
        let rest = &self.buffer[self.start..];
        let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        if blank > 0 {
            self.consume(self.start + blank);
        }
    }

    /// Follows the JSON from where the last look ended.
    fn extent(&mut self) -> Extent {
        let text = &self.buffer[self.start..];
        if !matches!(text.first(), Some(b'{' | b'[')) {
            // No message begins like this: skip to where one could.
            let next = memchr::memchr3(b'{', b'[', b'\n', text);
            return Extent::Garbage(next.unwrap_or(text.len()));
        }
        let Scan {
            mut offset,
            mut depth,
            mut in_string,
        } = self.scan;
        let extent = loop {
            let rest = &text[offset.min(text.len())..];
            if in_string {
                match memchr::memchr3(b'"', b'\\', b'\n', rest) {
                    None => {
                        offset = text.len();
                        break Extent::Partial;
                    }
                    Some(at) => match rest[at] {
                        b'"' => {
                            in_string = false;
                            offset += at + 1;
                        }
                        b'\\' if at + 1 < rest.len() => offset += at + 2,
                        b'\\' => {
                            offset += at;
                            break Extent::Partial;
                        }
                        // A raw line feed in a string: no JSON, and the end of the string is anybody's guess.
                        _ => break Extent::Garbage(offset + at),
                    },
                }
                continue;
            }
            let Some(at) = rest
                .iter()
                .position(|b| matches!(b, b'"' | b'{' | b'}' | b'[' | b']'))
            else {
                offset = text.len();
                break Extent::Partial;
            };
            offset += at + 1;
            match rest[at] {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                _ => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break Extent::Whole(offset);
                    }
                }
            }
        };
        self.scan = Scan {
            offset,
            depth,
            in_string,
        };
        extent
    }
}

/// Where an empty line begins. lightningd writes no other line feeds, so the first is nearly
/// always it.
fn empty_line(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find(|&at| bytes.get(at + 1) == Some(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(framer: &mut Framer) -> Vec<String> {
        std::iter::from_fn(|| framer.next_message(&|_| None))
            .map(|m| match m {
                Ok(message) => message.method.as_deref().unwrap_or_default().to_owned(),
                Err(e) => format!("error: {e}"),
            })
            .collect()
    }

    const TWO: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"one\",\"params\":{\"x\":\"}{\\\"\"}}\n\n{\"jsonrpc\":\"2.0\",\"method\":\"two\",\"params\":[]}\n\n";

    #[test]
    fn several_messages_in_one_read() {
        let mut framer = Framer::default();
        framer.push(TWO);
        assert_eq!(methods(&mut framer), ["one", "two"]);
        assert_eq!(framer.pending(), 0);
    }

    #[test]
    fn a_message_in_reads_of_one_byte() {
        let mut framer = Framer::default();
        let mut seen = Vec::new();
        for byte in TWO {
            framer.push(&[*byte]);
            seen.extend(methods(&mut framer));
        }
        assert_eq!(seen, ["one", "two"]);
    }

    #[test]
    fn pretty_printed_with_empty_lines_inside() {
        let mut framer = Framer::default();
        framer.push(b"{\n \"id\": 1,\n\n \"method\": \"m\",\n \"params\": { \"a\": {}\n\n }\n}\n");
        assert_eq!(methods(&mut framer), ["m"]);
    }

    #[test]
    fn nothing_between_two_messages() {
        let mut framer = Framer::default();
        framer.push(b"{\"method\":\"a\"}{\"method\":\"b\"}\n\n");
        assert_eq!(methods(&mut framer), ["a", "b"]);
    }

    #[test]
    fn garbage_costs_no_message_beside_it() {
        let mut framer = Framer::default();
        framer.push(b"hello\n\n{\"method\":\"a\"}\n\n}}\n{\"method\" 1}\n\n{\"method\":\"b\"}\n\n");
        let seen = methods(&mut framer);
        assert_eq!(
            seen.iter().filter(|m| !m.starts_with("error")).count(),
            2,
            "{seen:?}"
        );
        assert!(seen.iter().any(|m| m == "a") && seen.iter().any(|m| m == "b"));
        assert!(seen.iter().filter(|m| m.starts_with("error")).count() >= 2);
    }

    #[test]
    fn a_message_of_twenty_megabytes_in_pieces() {
        let big = format!(
            "{{\"method\":\"big\",\"params\":[\"{}\"]}}\n\n",
            "x".repeat(20 << 20)
        );
        let mut framer = Framer::default();
        let mut seen = Vec::new();
        for piece in big.as_bytes().chunks(65536) {
            framer.push(piece);
            seen.extend(methods(&mut framer));
        }
        assert_eq!(seen, ["big"]);
        framer.push(b"");
        assert!(framer.buffer.capacity() <= 4 << 20, "memory is given back");
    }
}
