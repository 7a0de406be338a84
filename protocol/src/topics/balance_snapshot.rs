//! `balance_snapshot`: the balances of all accounts, sent once at start.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/balance_snapshot.json`.

use super::Topic;
use crate::primitives::{Amount, PublicKey};
use serde::Deserialize;

/// The topic `balance_snapshot`: the balances of all accounts, sent once at start.
#[derive(Debug)]
pub struct BalanceSnapshot;

impl Topic for BalanceSnapshot {
    const NAME: &'static str = "balance_snapshot";
    type Payload = BalanceSnapshotPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct BalanceSnapshotPayload {
    /// Our node.
    pub node_id: PublicKey,
    /// The block that the balances are of.
    pub blockheight: u32,
    /// When, in seconds since 1970.
    pub timestamp: u64,
    /// One for each account.
    pub accounts: Vec<AccountBalance>,
}

/// What is in one account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccountBalance {
    /// `wallet`, or the channel id of a channel.
    pub account_id: String,
    /// How much.
    pub balance_msat: Amount,
    /// The prefix of BIP 173: `bc`, `bcrt` and so on.
    pub coin_type: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"balance_snapshot":{"node_id":"03ca27b01b0cb22c54bbb31e17b0363c3216d04811630aa15455d9c10a431bd77f","blockheight":102,"timestamp":1795376588,"accounts":[{"account_id":"wallet","balance_msat":0,"coin_type":"bcrt"}]}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<BalanceSnapshot>(params).expect(params))
            .collect();
        assert_eq!(all[0].blockheight, 102);
        assert_eq!(all[0].accounts[0].account_id, "wallet");
        assert_eq!(all[0].accounts[0].balance_msat, Amount::ZERO);
    }
}
