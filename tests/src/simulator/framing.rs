//! From the bytes that a plugin writes to whole messages (`common/jsonrpc_io.c`).

use super::json::Doc;
use super::tokenizer::{Step, Tokenizer};

/// What lightningd has read and not yet taken apart.
#[derive(Debug)]
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    tokenizer: Tokenizer,
}

/// The next thing in the stream.
pub(crate) enum Next {
    /// A message with a `jsonrpc` member.
    Message(Doc),
    /// Nothing whole yet.
    Wait,
    /// A NUL byte: nothing behind it will ever be read.
    Stuck,
    /// lightningd gives up on this peer, with these words.
    Broken(String),
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            tokenizer: Tokenizer::new(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(crate) fn next(&mut self) -> Next {
        // lightningd does not even look before there is a closing brace: garbage without one lies
        // there unseen, but a NUL in it already means the end.
        if !self.buffer.contains(&b'}') {
            let stuck =
                self.buffer.contains(&0) && Tokenizer::new().step(&self.buffer) == Step::Stuck;
            return if stuck { Next::Stuck } else { Next::Wait };
        }
        let end = match self.tokenizer.step(&self.buffer) {
            Step::Complete(end) => end,
            Step::Incomplete => return Next::Wait,
            Step::Stuck => return Next::Stuck,
            Step::Invalid => {
                return Next::Broken(format!(
                    "Failed to parse RPC JSON response '{}'",
                    shown(&self.buffer)
                ));
            }
        };
        let text: Vec<u8> = self.buffer.drain(..end).collect();
        let Some(doc) = self.tokenizer.take(&text) else {
            return Next::Broken(format!(
                "Failed to parse RPC JSON response '{}'",
                shown(&text)
            ));
        };
        if doc.get("jsonrpc").is_none() {
            return Next::Broken(format!(
                "JSON-RPC message does not contain \"jsonrpc\" field: '{}'",
                shown(&text)
            ));
        }
        Next::Message(doc)
    }

    /// What was written and never read as a message, white space left out.
    pub(crate) fn leftover(&self) -> Option<String> {
        let rest = self.buffer.trim_ascii();
        (!rest.is_empty()).then(|| shown(rest))
    }
}

fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 300;
    let mut text = String::from_utf8_lossy(bytes.get(..MOST).unwrap_or(bytes)).into_owned();
    if bytes.len() > MOST {
        text.push_str(&format!("... ({} bytes)", bytes.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(chunks: &[&[u8]]) -> (Vec<String>, Inbox, Option<&'static str>) {
        let mut inbox = Inbox::new();
        let mut seen = Vec::new();
        for chunk in chunks {
            inbox.push(chunk);
            loop {
                match inbox.next() {
                    Next::Message(doc) => seen.push(doc.root().full().to_owned()),
                    Next::Wait => break,
                    Next::Stuck => return (seen, inbox, Some("stuck")),
                    Next::Broken(_) => return (seen, inbox, Some("broken")),
                }
            }
        }
        (seen, inbox, None)
    }

    #[test]
    fn any_way_of_cutting_the_stream_gives_the_same_messages() {
        let stream = b"{\"jsonrpc\":\"2.0\",\"a\":[1,{\"b\":\"}\"}]}{\"jsonrpc\":1}\n\n  {\n\"jsonrpc\" : [\"x\"] }\n";
        let (whole, inbox, end) = messages(&[stream]);
        assert_eq!((whole.len(), end), (3, None));
        assert_eq!(inbox.leftover(), None);
        for size in 1..stream.len() {
            let chunks: Vec<&[u8]> = stream.chunks(size).collect();
            assert_eq!(messages(&chunks).0, whole, "chunks of {size}");
        }
    }

    #[test]
    fn garbage_lies_unseen_until_a_brace_comes() {
        let (seen, inbox, end) = messages(&[b"hello\n"]);
        assert_eq!((seen.len(), end), (0, None));
        assert_eq!(inbox.leftover().as_deref(), Some("hello"));
        assert_eq!(
            messages(&[b"hello\n", b"{\"jsonrpc\":1}"]).2,
            Some("broken")
        );
    }

    #[test]
    fn a_batch_and_a_message_without_jsonrpc_break_it() {
        assert_eq!(messages(&[b"[{\"jsonrpc\":\"2.0\"}]"]).2, Some("broken"));
        assert_eq!(messages(&[b"{\"id\":1,\"result\":{}}"]).2, Some("broken"));
    }

    #[test]
    fn a_nul_is_the_end_of_the_stream() {
        let (seen, _, end) = messages(&[b"{\"jsonrpc\":1}\0{\"jsonrpc\":2}"]);
        assert_eq!((seen.len(), end), (1, Some("stuck")));
        assert_eq!(messages(&[b"\0"]).2, Some("stuck"));
    }
}
