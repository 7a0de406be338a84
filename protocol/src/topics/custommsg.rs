//! `custommsg`: a peer sent a message of a type that lightningd does not handle.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/custommsg.json`.

use super::Topic;
use crate::primitives::{HexBytes, PublicKey};
use serde::Deserialize;

/// The topic `custommsg`: a peer sent a message of a type that lightningd does not handle.
#[derive(Debug)]
pub struct CustomMsg;

impl Topic for CustomMsg {
    const NAME: &'static str = "custommsg";
    type Payload = CustomMsgPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct CustomMsgPayload {
    /// The peer.
    pub peer_id: PublicKey,
    /// The message: its type in two bytes, then its content.
    pub payload: HexBytes,
}

impl CustomMsgPayload {
    /// The type of the message. None of one that is too short to have one.
    pub fn message_type(&self) -> Option<u16> {
        let bytes = self.payload.as_bytes().first_chunk()?;
        Some(u16::from_be_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"custommsg":{"peer_id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","payload":"aaad"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<CustomMsg>(params).expect(params))
            .collect();
        assert!(all.iter().any(|p| p.message_type() == Some(0xaaad)));
    }

    #[test]
    fn a_message_of_one_byte_has_no_type() {
        let mut payload = super::super::payload::<CustomMsg>(RECORDED[0]).unwrap();
        payload.payload = HexBytes::from(vec![1]);
        assert_eq!(payload.message_type(), None);
    }
}
