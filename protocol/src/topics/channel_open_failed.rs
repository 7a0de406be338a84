//! `channel_open_failed`: the opening of a dual-funded channel was given up.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/channel_open_failed.json`.

use super::Topic;
use crate::primitives::ChannelId;
use serde::Deserialize;

/// The topic `channel_open_failed`: the opening of a dual-funded channel was given up.
#[derive(Debug)]
pub struct ChannelOpenFailed;

impl Topic for ChannelOpenFailed {
    const NAME: &'static str = "channel_open_failed";
    type Payload = ChannelOpenFailedPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct ChannelOpenFailedPayload {
    /// The channel that will not be.
    pub channel_id: ChannelId,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"channel_open_failed":{"channel_id":"be3e5fd3a3a921572941e63df9bed41386cbd3c5be9782c2554a53311b411d42"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<ChannelOpenFailed>(params).expect(params))
            .collect();
        assert!(RECORDED[0].contains(&all[0].channel_id.to_string()));
    }
}
