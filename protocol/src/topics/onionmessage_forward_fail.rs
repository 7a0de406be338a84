//! `onionmessage_forward_fail`: an onion message could not be sent on.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/onionmessage_forward_fail.json`.

use super::Topic;
use crate::primitives::{HexBytes, PublicKey};
use serde::Deserialize;

/// The topic `onionmessage_forward_fail`: an onion message could not be sent on.
#[derive(Debug)]
pub struct OnionMessageForwardFail;

impl Topic for OnionMessageForwardFail {
    const NAME: &'static str = "onionmessage_forward_fail";
    type Payload = OnionMessageForwardFailPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct OnionMessageForwardFailPayload {
    /// Who sent it to us.
    pub source: PublicKey,
    /// The message as it came.
    pub incoming: HexBytes,
    /// The path key that came with it.
    pub path_key: PublicKey,
    /// The message to send on, where it could be made.
    pub outgoing: Option<HexBytes>,
    /// The next node, where the message names a node.
    pub next_node_id: Option<PublicKey>,
    /// The channel to the next node and the direction, such as `103x1x0/1`, where the
    /// message names a channel.
    pub next_short_channel_id_dir: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"onionmessage_forward_fail":{"source":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","incoming":"00034e454124c2e011e2f29ef8bfcea5f7b7a62b8765c8a9f1163ab0cac89e0e65d9aec16b35b544","path_key":"021a4e6917d44350ec369289b6d885640ab541dbcef2316131f6fff8d7ca9064b6","outgoing":"020103b4a2557bc352284216f9713236ba0c7f3026a9a6d6b93ebfa197f9fac11bad610556000303","next_node_id":"03536878dbfa0970843d6af0ed2ed1cd3d876f521272aa272c292479388d09296d"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<OnionMessageForwardFail>(params).expect(params))
            .collect();
        assert!(!all[0].incoming.as_bytes().is_empty());
        assert!(all[0].next_node_id.is_some() || all[0].next_short_channel_id_dir.is_some());
    }
}
