//! The two messages.
//!
//! | type | name | content |
//! | --- | --- | --- |
//! | 0xa455 (42069) | echo request | 8 bytes that the sender chose, then anything |
//! | 0xa457 (42071) | echo | the content of the request |
//!
//! Both types are odd, so that a peer which does not know them ignores them (BOLT 1).

use cln_guest::hooks::CustommsgPayload;

/// The type of a request.
pub const REQUEST: u16 = 0xa455;
/// The type of its answer.
pub const ECHO: u16 = 0xa457;
/// The longest payload of a request: a message has at most 65535 bytes (BOLT 8), its
/// type and the tag included.
pub const LONGEST_PAYLOAD: usize = 65_535 - 2 - 8;

/// What a peer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Wants this content back, as hex.
    Request(String),
    /// Brings it back.
    Echo {
        /// Which request it answers.
        tag: u64,
        /// What came with it.
        payload: Vec<u8>,
    },
}

impl Message {
    /// Reads what a peer sent; hostile. None for what is no message of these two: it is
    /// not answered.
    pub fn read(received: &CustommsgPayload) -> Option<Message> {
        let content = received.payload.get(4..)?;
        match received.message_type()? {
            REQUEST => Some(Message::Request(content.to_owned())),
            ECHO => {
                let content = hex::decode(content).ok()?;
                let (tag, payload) = content.split_first_chunk()?;
                Some(Message::Echo {
                    tag: u64::from_be_bytes(*tag),
                    payload: payload.to_vec(),
                })
            }
            _ => None,
        }
    }
}

/// A request as hex, type first.
pub fn request(tag: u64, payload: &[u8]) -> String {
    format!("{REQUEST:04x}{tag:016x}{}", hex::encode(payload))
}

/// The answer to a request with this content, as hex, type first.
pub fn echo(content: &str) -> String {
    format!("{ECHO:04x}{content}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> Option<Message> {
        let peer = "03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337";
        Message::read(&CustommsgPayload {
            peer_id: peer.parse().unwrap(),
            payload: payload.to_owned(),
        })
    }

    #[test]
    fn a_request_comes_back() {
        let sent = request(7, b"hello");
        assert_eq!(sent, "a455000000000000000768656c6c6f");
        let Some(Message::Request(content)) = read(&sent) else {
            panic!("not a request");
        };
        let back = echo(&content);
        assert_eq!(back, "a457000000000000000768656c6c6f");
        let expected = Message::Echo {
            tag: 7,
            payload: b"hello".to_vec(),
        };
        assert_eq!(read(&back), Some(expected));
    }

    #[test]
    fn whatever_a_peer_sends_is_read_or_left() {
        assert_eq!(read("A455"), Some(Message::Request(String::new())));
        for strange in [
            "",
            "a4",
            "a457",
            "a45700",
            "a4570000000000000007f",
            "a456",
            "é457",
            "a457é",
            "zzzz",
        ] {
            assert_eq!(read(strange), None, "{strange}");
        }
    }
}
