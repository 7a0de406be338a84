//! `connect`: a peer has connected.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/connect.json`.

use super::Address;
use super::Topic;
use crate::primitives::PublicKey;
use serde::Deserialize;

/// The topic `connect`: a peer has connected.
#[derive(Debug)]
pub struct Connect;

impl Topic for Connect {
    const NAME: &'static str = "connect";
    type Payload = ConnectPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct ConnectPayload {
    /// The peer.
    pub id: PublicKey,
    /// Who connected. Absent before v0.10.
    pub direction: Option<Direction>,
    /// Where it is connected.
    pub address: Address,
}

text_enum! {
    /// Who connected to whom.
    pub enum Direction {
        /// The peer to us.
        In = "in",
        /// We to the peer.
        Out = "out",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"connect":{"id":"03efb73ac8f6608ce7e4512da6562cac6fd37a1ea02c4bd460339ad35d15184337","direction":"in","address":{"type":"ipv4","address":"127.0.0.1","port":36976}}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<Connect>(params).expect(params))
            .collect();
        assert_eq!(all[0].direction, Some(Direction::In));
        assert_eq!(all[0].address.address_type, "ipv4");
        assert_eq!(all[0].address.address.as_deref(), Some("127.0.0.1"));
        assert!(all[0].address.port.is_some());
    }
}
