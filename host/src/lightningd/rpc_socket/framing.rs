//! Cuts what lightningd writes into messages.
//!
//! lightningd ends a message with two newlines (`json_stream_double_cr` in
//! `common/json_stream.c`), but an answer of a plugin is passed on as the plugin
//! wrote it (`json_stream_forward_change_id` in `lightningd/plugin.c`), with its
//! white space and its order of members. So a message ends where its outermost
//! bracket closes. Only brackets and strings are looked at here; whether a message
//! is JSON is for the parser to say.

use memchr::memchr2;

/// How much of the outline of a message is kept. Four members of JSON-RPC with an id
/// of ours take a tenth of that.
const OUTLINE_LIMIT: usize = 4096;
/// A string longer than this is no id of ours.
const OUTLINE_STRING_LIMIT: usize = 512;
/// A buffer that grew past this is given back after its message.
const KEPT_CAPACITY: usize = 256 * 1024;

/// One message, or what is left of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// All bytes from the first bracket to the last.
    Whole(&'a [u8]),
    /// The message exceeded the limit and was skipped. What remains is its outermost
    /// level as JSON, each array, object and long string in it replaced by `null`;
    /// None if even that was too long.
    TooLarge { outline: Option<&'a [u8]> },
}

/// Text outside of any message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte 0x{0:02x} where a message should start")]
pub(super) struct NotJson(u8);

/// The state between two reads.
pub(super) struct Framer {
    limit: usize,
    position: Position,
    /// The beginning of a message that has not ended yet. Never more than `limit`.
    partial: Vec<u8>,
    skipping: Option<Outline>,
}

impl Framer {
    /// `limit`: the most bytes that one message may have.
    pub(super) fn new(limit: usize) -> Self {
        Framer {
            limit,
            position: Position::default(),
            partial: Vec::new(),
            skipping: None,
        }
    }

    /// Bytes of the unfinished message, `usize::MAX` if it is being skipped.
    pub(super) fn unfinished(&self) -> usize {
        match self.skipping {
            Some(_) => usize::MAX,
            None => self.partial.len(),
        }
    }

    /// Takes the next bytes and hands over each message that they complete.
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(Frame<'_>),
    ) -> Result<(), NotJson> {
        loop {
            if self.position.depth == 0 {
                let blank = bytes
                    .iter()
                    .take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
                bytes = bytes.split_at(blank.count()).1;
                match bytes.first() {
                    None => return Ok(()),
                    Some(b'{' | b'[') => {}
                    Some(other) => return Err(NotJson(*other)),
                }
            }
            if bytes.is_empty() {
                return Ok(());
            }

            if let Some(outline) = &mut self.skipping {
                let read = outline.read(&mut self.position, bytes);
                bytes = bytes.split_at(read).1;
                if self.position.depth == 0 {
                    take(outline.frame());
                    self.skipping = None;
                }
                continue;
            }

            let read = self.position.advance(bytes, 0);
            let (part, rest) = bytes.split_at(read);
            bytes = rest;
            let ended = self.position.depth == 0;

            if part.len() > self.limit - self.partial.len() {
                let mut outline = Outline::default();
                let mut again = Position::default();
                outline.read(&mut again, &self.partial);
                outline.read(&mut again, part);
                self.partial = Vec::new();
                if ended {
                    take(outline.frame());
                } else {
                    self.skipping = Some(outline);
                }
            } else if !ended {
                self.keep(part);
            } else if self.partial.is_empty() {
                take(Frame::Whole(part));
            } else {
                self.keep(part);
                take(Frame::Whole(&self.partial));
                self.partial.clear();
                self.partial.shrink_to(KEPT_CAPACITY);
            }
        }
    }

    /// Doubles as `Vec` does, but never past the limit.
    fn keep(&mut self, part: &[u8]) {
        let needed = self.partial.len() + part.len();
        if needed > self.partial.capacity() {
            let wanted = needed.max(self.partial.capacity().saturating_mul(2));
            let wanted = wanted.min(self.limit);
            self.partial.reserve_exact(wanted - self.partial.len());
        }
        self.partial.extend_from_slice(part);
    }
}

/// Where in a JSON text we are.
#[derive(Debug, Default, Clone, Copy)]
struct Position {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl Position {
    /// Goes on until a closing bracket brings the depth down to `floor`, or to the
    /// end of `bytes`. Returns how many bytes were passed.
    fn advance(&mut self, bytes: &[u8], floor: u64) -> usize {
        let mut rest = bytes;
        loop {
            if self.in_string && !self.escaped {
                match memchr2(b'"', b'\\', rest) {
                    None => return bytes.len(),
                    Some(at) => rest = rest.split_at(at).1,
                }
            }
            let Some((byte, after)) = rest.split_first() else {
                return bytes.len();
            };
            rest = after;
            let before = self.depth;
            self.step(*byte);
            if self.depth < before && self.depth == floor {
                return bytes.len() - rest.len();
            }
        }
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

/// The outermost level of a message, to find its id by: a plugin may write the id
/// behind the result.
#[derive(Debug, Default)]
struct Outline {
    text: Vec<u8>,
    /// Where in `text` the string that is being read starts.
    string: usize,
    dropping_string: bool,
    too_long: bool,
}

impl Outline {
    /// Reads on to the end of the message, or of `bytes`. Returns how many were read.
    fn read(&mut self, position: &mut Position, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            if position.depth >= 2 {
                let passed = position.advance(rest, 1);
                rest = rest.split_at(passed).1;
                continue;
            }
            let Some((byte, after)) = rest.split_first() else {
                break;
            };
            rest = after;
            let before = *position;
            position.step(*byte);
            self.note(*byte, before, *position);
            if position.depth == 0 {
                break;
            }
        }
        bytes.len() - rest.len()
    }

    /// One byte of the outermost level.
    fn note(&mut self, byte: u8, before: Position, after: Position) {
        if self.too_long {
            return;
        }
        if after.depth == 2 {
            self.text.extend_from_slice(b"null");
        } else if before.in_string || after.in_string {
            if !before.in_string {
                self.string = self.text.len();
                self.dropping_string = false;
            }
            if !self.dropping_string {
                self.text.push(byte);
                if self.text.len() - self.string > OUTLINE_STRING_LIMIT {
                    self.text.truncate(self.string);
                    self.text.extend_from_slice(b"null");
                    self.dropping_string = true;
                }
            }
        } else if !byte.is_ascii_whitespace() {
            self.text.push(byte);
        }
        if self.text.len() > OUTLINE_LIMIT {
            self.too_long = true;
            self.text = Vec::new();
        }
    }

    fn frame(&self) -> Frame<'_> {
        Frame::TooLarge {
            outline: (!self.too_long).then_some(self.text.as_slice()),
        }
    }
}

/// The outline of a whole message, whatever its size; None where that is too long.
pub(super) fn outline_of(message: &[u8]) -> Option<Vec<u8>> {
    let mut outline = Outline::default();
    outline.read(&mut Position::default(), message);
    (!outline.too_long).then_some(outline.text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Clone)]
    enum Owned {
        Whole(Vec<u8>),
        TooLarge(Option<Vec<u8>>),
    }

    fn all(framer: &mut Framer, bytes: &[u8]) -> Result<Vec<Owned>, NotJson> {
        let mut frames = Vec::new();
        framer.push(bytes, |frame| {
            frames.push(match frame {
                Frame::Whole(bytes) => Owned::Whole(bytes.to_vec()),
                Frame::TooLarge { outline } => Owned::TooLarge(outline.map(<[u8]>::to_vec)),
            })
        })?;
        Ok(frames)
    }

    fn whole(text: &str) -> Owned {
        Owned::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn cuts_at_the_outermost_bracket_whatever_stands_between() {
        let text = "\n{\"a\":\"}]\\\"{\"}{\"b\":[{}]} \r\n\t[1]\n\n";
        assert_eq!(
            all(&mut Framer::new(100), text.as_bytes()).unwrap(),
            [
                whole("{\"a\":\"}]\\\"{\"}"),
                whole("{\"b\":[{}]}"),
                whole("[1]")
            ]
        );
    }

    #[test]
    fn text_between_messages_is_an_error() {
        assert_eq!(all(&mut Framer::new(100), b"{}\nnull"), Err(NotJson(b'n')));
        assert_eq!(all(&mut Framer::new(100), b"}"), Err(NotJson(b'}')));
    }

    #[test]
    fn a_message_of_the_limit_passes_and_one_byte_more_does_not() {
        let text = b"{\"id\":\"1\",\"r\":[1,2]}";
        let mut framer = Framer::new(text.len());
        assert!(matches!(
            all(&mut framer, text).unwrap()[..],
            [Owned::Whole(_)]
        ));
        let mut framer = Framer::new(text.len() - 1);
        assert_eq!(
            all(&mut framer, text).unwrap(),
            [Owned::TooLarge(Some(b"{\"id\":\"1\",\"r\":null}".to_vec()))]
        );
    }

    #[test]
    fn the_id_is_found_behind_a_huge_result_and_memory_stays_within_the_limit() {
        const LIMIT: usize = 10_000;
        let mut framer = Framer::new(LIMIT);
        let mut frames = all(&mut framer, b"{\"jsonrpc\": \"2.0\", \"result\": {\"x\": [").unwrap();
        for n in 0..5000 {
            let piece = format!("\"{n} }} ]\\\\\", {{\"y\": [{n}]}}, {:>50}", 0);
            frames.extend(all(&mut framer, format!("{piece},").as_bytes()).unwrap());
            assert!(framer.partial.capacity() <= LIMIT);
        }
        assert_eq!(framer.unfinished(), usize::MAX);
        frames.extend(all(&mut framer, b"0]}, \"id\": \"z\"}\n\n{}").unwrap());
        assert_eq!(
            frames,
            [
                Owned::TooLarge(Some(
                    b"{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":\"z\"}".to_vec()
                )),
                whole("{}")
            ]
        );
    }

    #[test]
    fn a_huge_string_at_the_outermost_level_hides_no_id() {
        let text = format!(
            "{{\"result\":\"{}\\\"\",\"id\":\"q\"}}",
            "\\n".repeat(20_000)
        );
        assert_eq!(
            all(&mut Framer::new(1000), text.as_bytes()).unwrap(),
            [Owned::TooLarge(Some(
                b"{\"result\":null,\"id\":\"q\"}".to_vec()
            ))]
        );
    }

    #[test]
    fn an_endless_outermost_level_is_given_up() {
        let text = format!("{{\"id\":\"q\",\"n\":{}}}[]", "1".repeat(50_000));
        assert_eq!(
            all(&mut Framer::new(1000), text.as_bytes()).unwrap(),
            [Owned::TooLarge(None), whole("[]")]
        );
    }

    proptest! {
        #[test]
        fn where_reads_are_cut_does_not_matter(
            messages in proptest::collection::vec("\\{(\"([a-z{}\\[\\] ]|\\\\\")*\"|\\[[0-9, ]*\\]|,|:){0,12}\\}", 0..6),
            cuts in proptest::collection::vec(1usize..30, 1..40),
            limit in 5usize..80,
        ) {
            let text = messages.join("\n\n");
            let at_once = all(&mut Framer::new(limit), text.as_bytes());
            let mut framer = Framer::new(limit);
            let mut rest = text.as_bytes();
            let mut cut = cuts.iter().cycle();
            let mut in_parts = Ok(Vec::new());
            while let (false, Ok(frames)) = (rest.is_empty(), &mut in_parts) {
                let (part, after) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
                rest = after;
                match all(&mut framer, part) {
                    Ok(more) => frames.extend(more),
                    Err(error) => in_parts = Err(error),
                }
                prop_assert!(framer.partial.capacity() <= limit);
            }
            prop_assert_eq!(at_once.as_ref().map(Vec::len), Ok(messages.len()));
            prop_assert_eq!(in_parts, at_once);
        }

        #[test]
        fn any_bytes_are_taken_without_panic(bytes: Vec<u8>, limit in 0usize..20) {
            let _ = all(&mut Framer::new(limit), &bytes);
        }
    }
}
