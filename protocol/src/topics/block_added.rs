//! `block_added`: lightningd has taken a block in.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/block_added.json`.

use super::Topic;
use serde::Deserialize;

/// The topic `block_added`: lightningd has taken a block in.
#[derive(Debug)]
pub struct BlockAdded;

impl Topic for BlockAdded {
    const NAME: &'static str = "block_added";
    type Payload = BlockAddedPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct BlockAddedPayload {
    /// The block's hash, as hex.
    pub hash: String,
    /// Its height.
    pub height: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"block_added":{"hash":"39c38a5f3ac4ffaf5a2ab333d36ab14552eba434240011d81d4dbdeb6d435ae9","height":90}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<BlockAdded>(params).expect(params))
            .collect();
        assert_eq!(all[0].height, 90);
        assert_eq!(all[0].hash.len(), 64);
    }
}
