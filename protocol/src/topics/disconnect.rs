//! `disconnect`: a peer is gone.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/disconnect.json`.

use super::Topic;
use crate::primitives::PublicKey;
use serde::Deserialize;

/// The topic `disconnect`: a peer is gone.
#[derive(Debug)]
pub struct Disconnect;

impl Topic for Disconnect {
    const NAME: &'static str = "disconnect";
    type Payload = DisconnectPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct DisconnectPayload {
    /// The peer.
    pub id: PublicKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"disconnect":{"id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<Disconnect>(params).expect(params))
            .collect();
        assert!(RECORDED[0].contains(&all[0].id.to_string()));
    }
}
