//! `onion_message_recv_secret`: an onion message came by a path that we made, which its
//! `pathsecret` tells.
//!
//! `lightningd/onion_message.c`. Payload and answers are those of `onion_message_recv`.

use super::onion_message_recv::{OnionMessageAction, OnionMessagePayload};
use crate::hook::Hook;

/// The hook `onion_message_recv_secret`. The plugin must compare `pathsecret` with the one
/// that it put into its path.
#[derive(Debug)]
pub struct OnionMessageRecvSecret;

impl Hook for OnionMessageRecvSecret {
    const NAME: &'static str = "onion_message_recv_secret";
    type Payload = OnionMessagePayload;
    type Action = OnionMessageAction;
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::*;
    use crate::hook::{Delivery, Filters, HookSpec, Stance};
    use crate::hooks::onion_message_recv;

    /// What the bridge knows about `onion_message_recv_secret`.
    pub const SPEC: HookSpec = HookSpec {
        name: OnionMessageRecvSecret::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Open,
        begin: onion_message_recv::begin,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/onion_message_recv_secret.jsonl");

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: OnionMessagePayload = serde_json::from_str(FIXTURE).unwrap();
        assert!(payload.onion_message.pathsecret.is_some());
        assert!(payload.onion_message.invoice.is_some());
    }

    #[cfg(feature = "host")]
    #[test]
    fn folds_as_onion_message_recv() {
        use crate::hooks::testing::run;
        const PLAIN: &str = r#"{"result":"continue"}"#;
        const TAKEN: &str = r#"{"result":"resolve"}"#;
        assert_eq!(
            run(&SPEC, FIXTURE, &[PLAIN, TAKEN, PLAIN]),
            (TAKEN.into(), 2)
        );
    }
}
