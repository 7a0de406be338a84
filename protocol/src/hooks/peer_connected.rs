//! `peer_connected`: a peer has connected and finished the handshake.
//!
//! `lightningd/peer_control.c`: `peer_connected_hook_deserialize`.

use crate::hook::Hook;
use crate::primitives::PublicKey;
use serde::{Deserialize, Serialize};

/// The hook `peer_connected`.
#[derive(Debug)]
pub struct PeerConnected;

impl Hook for PeerConnected {
    const NAME: &'static str = "peer_connected";
    type Payload = PeerConnectedPayload;
    type Action = PeerConnectedAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PeerConnectedPayload {
    /// The peer.
    pub peer: ConnectedPeer,
}

/// The peer that connected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConnectedPeer {
    /// Its node id.
    pub id: PublicKey,
    /// Who connected: `in` the peer, `out` we.
    pub direction: String,
    /// Where it is connected. Of an incoming connection the port is of no use to us.
    pub addr: String,
    /// Where the peer says that we are.
    pub remote_addr: Option<String>,
    /// The feature bits of its `init`, as hex.
    pub features: String,
}

/// What a plugin may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PeerConnectedAction {
    /// Let it be.
    Continue,
    /// Hang up.
    Disconnect {
        /// Sent to the peer first.
        #[serde(skip_serializing_if = "Option::is_none")]
        error_message: Option<String>,
    },
}

impl PeerConnectedAction {
    /// Let it be.
    pub fn pass() -> Self {
        PeerConnectedAction::Continue
    }

    /// Hang up without a word.
    pub fn disconnect() -> Self {
        PeerConnectedAction::Disconnect {
            error_message: None,
        }
    }

    /// Hang up after sending the peer this.
    pub fn disconnect_with(error_message: impl Into<String>) -> Self {
        PeerConnectedAction::Disconnect {
            error_message: Some(error_message.into()),
        }
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::*;
    use crate::hook::{Chain, Delivery, Filters, Flow, HookSpec, Invalid, Stance, Taken};
    use crate::hooks::answer::{Answer, CONTINUE, is_plain_continue, unknown_result};
    use std::sync::Arc;

    /// What the bridge knows about `peer_connected`.
    pub const SPEC: HookSpec = HookSpec {
        name: PeerConnected::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[],
        stance: Stance::Open,
        begin: |payload, _| {
            Box::new(PeerConnectedChain {
                payload,
                disconnect: None,
            })
        },
    };

    struct PeerConnectedChain {
        payload: Arc<str>,
        /// Some once a guest wants to hang up: what the peer is told.
        disconnect: Option<String>,
    }

    /// lightningd must always be given a message: without one it points at a string
    /// constant and then asks for its length as if it were allocated memory
    /// (`peer_connected_hook_final`).
    const NO_MESSAGE: &str = "";

    impl Chain for PeerConnectedChain {
        fn payload(&self) -> Arc<str> {
            self.payload.clone()
        }

        fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
            if is_plain_continue(answer) {
                return Ok(Flow::Next.into());
            }
            let answer = Answer::parse(answer)?;
            match answer.result()? {
                Some("continue") => Ok(Flow::Next.into()),
                Some("disconnect") => {
                    let (message, ignored) = answer.error_message()?;
                    self.disconnect = Some(message.unwrap_or(NO_MESSAGE.into()));
                    Ok(Taken {
                        flow: Flow::Done,
                        ignored,
                    })
                }
                other => Err(unknown_result(other, "continue or disconnect")),
            }
        }

        fn fallback(&mut self, stance: Stance) -> Flow {
            match stance {
                Stance::Open => Flow::Next,
                Stance::Closed => {
                    self.disconnect = Some(NO_MESSAGE.into());
                    Flow::Done
                }
            }
        }

        fn finish(self: Box<Self>) -> String {
            match self.disconnect {
                None => CONTINUE.into(),
                Some(message) => {
                    serde_json::json!({"result": "disconnect", "error_message": message})
                        .to_string()
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_payload_of_v26_06() {
        let payload: PeerConnectedPayload = serde_json::from_str(
            r#"{"peer":{"id":"0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79",
                "direction":"out","addr":"127.0.0.1:51261","remote_addr":"127.0.0.1:36976",
                "features":"800898880a8a59a1"}}"#,
        )
        .unwrap();
        assert_eq!(payload.peer.direction, "out");
        assert_eq!(payload.peer.addr, "127.0.0.1:51261");
        assert_eq!(payload.peer.remote_addr.as_deref(), Some("127.0.0.1:36976"));
    }

    #[test]
    fn writes_actions() {
        for (action, json) in [
            (PeerConnectedAction::pass(), r#"{"result":"continue"}"#),
            (
                PeerConnectedAction::disconnect(),
                r#"{"result":"disconnect"}"#,
            ),
            (
                PeerConnectedAction::disconnect_with("no"),
                r#"{"result":"disconnect","error_message":"no"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&action).unwrap(), json);
        }
    }
}

#[cfg(all(test, feature = "host"))]
mod chain_tests {
    use super::*;
    use crate::hook::Stance;
    use crate::hooks::testing::{finished, refusals, run};

    #[test]
    fn first_disconnect_wins() {
        let no = r#"{"result":"disconnect","error_message":"no"}"#;
        let plain = r#"{"result":"continue"}"#;
        assert_eq!(finished(&SPEC, "{}", &[]), plain);
        assert_eq!(finished(&SPEC, "{}", &[plain, plain]), plain);
        assert_eq!(
            run(&SPEC, "{}", &[plain, no, plain]),
            (r#"{"error_message":"no","result":"disconnect"}"#.into(), 2)
        );
        assert_eq!(
            run(&SPEC, "{}", &[r#"{"result":"disconnect"}"#]),
            (r#"{"error_message":"","result":"disconnect"}"#.into(), 1)
        );
    }

    #[test]
    fn every_action_is_taken() {
        for action in [
            PeerConnectedAction::pass(),
            PeerConnectedAction::disconnect(),
            PeerConnectedAction::disconnect_with("\"quoted\"\n"),
        ] {
            let text = serde_json::to_string(&action).unwrap();
            assert!(
                (SPEC.begin)("{}".into(), &Default::default())
                    .answer(&text)
                    .is_ok()
            );
        }
    }

    #[test]
    fn refuses() {
        refusals(
            &SPEC,
            "{}",
            &[
                ("{}", "no member result"),
                (
                    r#"{"result":"reject"}"#,
                    "result is \"reject\", not continue or disconnect",
                ),
                (r#"{"result":true}"#, "result is true, not a string"),
                (
                    r#"{"result":"disconnect","error_message":5}"#,
                    "error_message is 5",
                ),
                ("null", "the answer is null"),
            ],
        );
    }

    #[test]
    fn falls_back() {
        for (stance, json) in [
            (Stance::Open, r#"{"result":"continue"}"#),
            (
                Stance::Closed,
                r#"{"error_message":"","result":"disconnect"}"#,
            ),
        ] {
            let mut chain = (SPEC.begin)("{}".into(), &Default::default());
            chain.fallback(stance);
            assert_eq!(chain.finish(), json);
        }
        assert_eq!(SPEC.stance, Stance::Open);
    }
}
