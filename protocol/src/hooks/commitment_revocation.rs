//! `commitment_revocation`: a peer revoked a commitment, and this transaction punishes it
//! should it ever use that again. For watchtowers.
//!
//! `lightningd/peer_htlcs.c`: `commitment_revocation_hook_deserialize`.

use crate::hook::Hook;
use crate::primitives::{ChannelId, Txid};
use serde::{Deserialize, Serialize};

/// The hook `commitment_revocation`.
#[derive(Debug)]
pub struct CommitmentRevocation;

impl Hook for CommitmentRevocation {
    const NAME: &'static str = "commitment_revocation";
    type Payload = CommitmentRevocationPayload;
    type Action = CommitmentRevocationAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CommitmentRevocationPayload {
    /// The commitment that was revoked.
    pub commitment_txid: Txid,
    /// What to broadcast when it appears, as hex.
    pub penalty_tx: String,
    /// The channel.
    pub channel_id: ChannelId,
    /// The number of the commitment.
    pub commitnum: u64,
}

/// What a plugin may answer: nothing but that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CommitmentRevocationAction {
    /// Go on.
    Continue,
}

impl CommitmentRevocationAction {
    /// Go on.
    pub fn pass() -> Self {
        CommitmentRevocationAction::Continue
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::*;
    use crate::hook::{Delivery, Filters, HookSpec, Invalid, Stance};
    use crate::hooks::observed;
    use serde::de::IgnoredAny;

    /// What the bridge knows about `commitment_revocation`.
    pub const SPEC: HookSpec = HookSpec {
        name: CommitmentRevocation::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Open,
        begin: |payload, _| observed::begin(payload, check),
    };

    /// lightningd does not look at the answer.
    fn check(answer: &str) -> Result<Option<String>, Invalid> {
        match serde_json::from_str(answer) {
            Ok(IgnoredAny) => Ok(None),
            Err(reason) => Err(Invalid::new(format!("the answer is not JSON: {reason}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/commitment_revocation.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: CommitmentRevocationPayload = serde_json::from_str(FIXTURE).unwrap();
        assert!(payload.penalty_tx.starts_with("02000000"));
    }

    #[test]
    fn writes_actions() {
        let json = serde_json::to_string(&CommitmentRevocationAction::pass()).unwrap();
        assert_eq!(json, r#"{"result":"continue"}"#);
    }

    #[cfg(feature = "host")]
    #[test]
    fn everybody_is_called_whatever_they_answer() {
        use crate::hooks::testing::{refusals, run};
        const PLAIN: &str = r#"{"result":"continue"}"#;
        let answers = [PLAIN, "{}", "null", r#"{"result":7}"#];
        assert_eq!(run(&SPEC, FIXTURE, &answers), (PLAIN.into(), 4));
        refusals(&SPEC, FIXTURE, &[("", "not JSON"), ("{", "not JSON")]);
    }

    #[cfg(feature = "host")]
    #[test]
    fn falls_back() {
        use crate::hook::{Flow, Stance};
        use crate::hooks::testing::fallen_back;
        assert_eq!(SPEC.stance, Stance::Open);
        for stance in [Stance::Open, Stance::Closed] {
            assert_eq!(
                fallen_back(&SPEC, FIXTURE, stance),
                (r#"{"result":"continue"}"#.into(), Flow::Next)
            );
        }
    }
}
