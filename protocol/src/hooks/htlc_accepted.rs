//! `htlc_accepted`: an incoming HTLC is committed to, and waits for what becomes of it.
//!
//! `lightningd/peer_htlcs.c`: `htlc_accepted_hook_deserialize`.

use crate::hook::Hook;
use crate::primitives::{
    Amount, ChannelId, FailureMessage, HexBytes, PaymentHash, Preimage, PublicKey, Secret,
    ShortChannelId, TlvStream,
};
use serde::{Deserialize, Serialize};

/// The hook `htlc_accepted`.
///
/// HTLCs that are still open are shown again at every start of lightningd.
#[derive(Debug)]
pub struct HtlcAccepted;

impl Hook for HtlcAccepted {
    const NAME: &'static str = "htlc_accepted";
    type Payload = HtlcAcceptedPayload;
    type Action = HtlcAcceptedAction;
}

/// What the hook is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HtlcAcceptedPayload {
    /// Who offers the HTLC. None of a peer that is not connected.
    pub peer_id: Option<PublicKey>,
    /// The layer of the onion that was for us.
    pub onion: Onion,
    /// The HTLC.
    pub htlc: Htlc,
    /// The channel that lightningd means to forward it to, where it found one.
    pub forward_to: Option<ChannelId>,
}

/// The layer of the onion that was for us. What comes from `payload` is absent when
/// lightningd could not decode it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Onion {
    /// The payload as hex, with its length (BigSize) in front. Empty when it is no TLV
    /// stream and one of the secrets in it is not granted.
    pub payload: String,
    /// `tlv`, when `payload` could be decoded.
    #[serde(rename = "type")]
    pub typ: Option<String>,
    /// The channel to forward to. Absent on the last hop.
    pub short_channel_id: Option<ShortChannelId>,
    /// The node to forward to, in a blinded path.
    pub next_node_id: Option<PublicKey>,
    /// The amount to forward or, on the last hop, to be paid.
    pub forward_msat: Option<Amount>,
    /// The expiry of the HTLC to forward, a block height.
    pub outgoing_cltv_value: Option<u32>,
    /// The amount of the whole payment, of which this may be a part.
    pub total_msat: Option<Amount>,
    /// The secret of the invoice. Absent without the grant `payment_secret`.
    pub payment_secret: Option<Secret>,
    /// The metadata of the invoice.
    pub payment_metadata: Option<HexBytes>,
    /// What goes to the next hop, as hex. On the last hop its HMAC is all zeros.
    pub next_onion: String,
    /// Shared with the sender. Absent without the grant `shared_secret`.
    pub shared_secret: Option<Secret>,
}

impl Onion {
    /// The records of `payload`. None when they are not a TLV stream. What is in one
    /// without its grant is not among them: record 8 without `payment_secret`,
    /// 5482373484 without `preimage`. An answer with another payload need not put them back.
    pub fn tlvs(&self) -> Option<TlvStream> {
        TlvStream::from_prefixed_hex(&self.payload)
    }
}

/// An incoming HTLC.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Htlc {
    /// The channel that it came in on. From v0.12.
    pub short_channel_id: Option<ShortChannelId>,
    /// Its number in that channel. From v0.12.
    pub id: Option<u64>,
    /// The amount that came in.
    pub amount_msat: Amount,
    /// The block height at which it goes back to the sender.
    pub cltv_expiry: u32,
    /// Blocks until then: negative when it has passed.
    pub cltv_expiry_relative: i32,
    /// What the preimage must hash to.
    pub payment_hash: PaymentHash,
    /// Records of `update_add_htlc` that lightningd does not know.
    pub extra_tlvs: Option<HexBytes>,
}

/// What a plugin may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HtlcAcceptedAction {
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<TlvStream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward_to: Option<ChannelId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_tlvs: Option<TlvStream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice_msat: Option<Amount>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Verdict {
    Continue,
    #[serde(rename = "fail")]
    FailMessage {
        failure_message: FailureMessage,
    },
    #[serde(rename = "fail")]
    FailOnion {
        failure_onion: HexBytes,
    },
    Resolve {
        payment_key: Preimage,
    },
}

impl HtlcAcceptedAction {
    fn new(verdict: Verdict) -> Self {
        HtlcAcceptedAction {
            verdict,
            payload: None,
            forward_to: None,
            extra_tlvs: None,
            invoice_msat: None,
        }
    }

    /// Let lightningd do what it would have done.
    pub fn pass() -> Self {
        Self::new(Verdict::Continue)
    }

    /// Fail it with a message that is wrapped for the sender.
    pub fn fail(message: FailureMessage) -> Self {
        Self::new(Verdict::FailMessage {
            failure_message: message,
        })
    }

    /// Fail it with an onion that is wrapped already, such as one from the next hop.
    pub fn fail_onion(onion: impl Into<Vec<u8>>) -> Self {
        Self::new(Verdict::FailOnion {
            failure_onion: HexBytes::from(onion.into()),
        })
    }

    /// Settle it. The preimage must hash to `payment_hash`.
    pub fn resolve(preimage: Preimage) -> Self {
        Self::new(Verdict::Resolve {
            payment_key: preimage,
        })
    }

    /// Act, and show the next plugin, as if this had been the payload.
    #[must_use]
    pub fn with_payload(mut self, payload: TlvStream) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Forward it through this channel.
    #[must_use]
    pub fn forward_to(mut self, channel: ChannelId) -> Self {
        self.forward_to = Some(channel);
        self
    }

    /// Send these records with the forwarded HTLC in place of those that came. Only odd
    /// types, and 0, a blinded path's key, are taken.
    #[must_use]
    pub fn with_extra_tlvs(mut self, tlvs: TlvStream) -> Self {
        self.extra_tlvs = Some(tlvs);
        self
    }

    /// Check the payment as if this were the invoice's amount.
    #[must_use]
    pub fn with_invoice_msat(mut self, amount: Amount) -> Self {
        self.invoice_msat = Some(amount);
        self
    }
}

#[cfg(feature = "host")]
pub use host::SPEC;

#[cfg(feature = "host")]
mod host {
    use super::*;
    use crate::hook::{
        self, Chain, Delivery, Filters, Flow, HookSpec, Invalid, Place, Stance, Taken,
    };
    use crate::hooks::answer::{Answer, CONTINUE, is_plain_continue, unknown_result};
    use crate::hooks::failure_code::{HtlcFacts, message_of_code};
    use crate::hooks::onion_payload;
    use serde_json::{Map, Value, json};
    use std::sync::Arc;

    /// What the bridge knows about `htlc_accepted`.
    pub const SPEC: HookSpec = HookSpec {
        name: HtlcAccepted::NAME,
        filters: Filters::Refused,
        delivery: Delivery::InTurn,
        secrets: &[
            hook::Secret {
                grant: "shared_secret",
                places: &[Place::Member("/onion/shared_secret")],
            },
            hook::Secret {
                grant: "payment_secret",
                places: &[
                    Place::Member("/onion/payment_secret"),
                    Place::Record {
                        member: "/onion/payload",
                        typ: onion_payload::PAYMENT_DATA,
                    },
                ],
            },
            // Of a payment without an invoice (keysend) the sender gives it.
            hook::Secret {
                grant: "preimage",
                places: &[Place::Record {
                    member: "/onion/payload",
                    typ: onion_payload::KEYSEND_PREIMAGE,
                }],
            },
        ],
        stance: Stance::Closed,
        begin: |payload, _| {
            Box::new(HtlcAcceptedChain {
                payload,
                edits: Map::new(),
                verdict: Verdict::Continue,
            })
        },
    };

    struct HtlcAcceptedChain {
        /// As the next guest is shown it.
        payload: Arc<str>,
        /// The last written `payload`, `forward_to`, `extra_tlvs`, `invoice_msat`.
        edits: Map<String, Value>,
        verdict: Verdict,
    }

    /// The largest onion that an `update_fail_htlc` (44 bytes without it) has room for.
    const FAILURE_ONION_MAX: usize = 65535 - 44;

    impl Chain for HtlcAcceptedChain {
        fn payload(&self) -> Arc<str> {
            self.payload.clone()
        }

        fn answer(&mut self, answer: &str) -> Result<Taken, Invalid> {
            if is_plain_continue(answer) {
                return Ok(Flow::Next.into());
            }
            let answer = Answer::parse(answer)?;
            let edits = edits(&answer)?;
            let (verdict, ignored) = self.verdict(&answer)?;
            let flow = match verdict {
                Verdict::Continue => Flow::Next,
                _ => Flow::Done,
            };
            self.verdict = verdict;
            if !edits.is_empty() {
                if flow == Flow::Next
                    && let Some(payload) = rewritten(&self.payload, &edits)
                {
                    self.payload = payload.into();
                }
                self.edits.extend(edits);
            }
            Ok(Taken { flow, ignored })
        }

        /// Without them a payload that was changed somewhere else would fail the payment.
        fn restore(&self, answer: &str, records: &[u64]) -> Option<String> {
            #[derive(Deserialize)]
            struct Seen {
                onion: SeenOnion,
            }
            #[derive(Deserialize)]
            struct SeenOnion {
                payload: String,
            }
            if is_plain_continue(answer) {
                return None;
            }
            let mut answer: Value = serde_json::from_str(answer).ok()?;
            let given = answer.get_mut("payload")?;
            let mut tlvs: TlvStream = given.as_str()?.parse().ok()?;
            let seen: Seen = serde_json::from_str(&self.payload).ok()?;
            let whole = TlvStream::from_prefixed_hex(&seen.onion.payload)?;
            let mut changed = false;
            for typ in records {
                if tlvs.get(*typ).is_none()
                    && let Some(value) = whole.get(*typ)
                {
                    tlvs.insert(*typ, value);
                    changed = true;
                }
            }
            *given = json!(tlvs);
            changed.then(|| answer.to_string())
        }

        fn fallback(&mut self, stance: Stance) -> Flow {
            match stance {
                Stance::Open => Flow::Next,
                Stance::Closed => {
                    self.verdict = Verdict::FailMessage {
                        failure_message: FailureMessage::temporary_node_failure(),
                    };
                    Flow::Done
                }
            }
        }

        fn finish(self: Box<Self>) -> String {
            let HtlcAcceptedChain {
                edits: mut answer,
                verdict,
                ..
            } = *self;
            match verdict {
                Verdict::Continue if answer.is_empty() => return CONTINUE.into(),
                Verdict::Continue => {
                    answer.insert("result".into(), "continue".into());
                }
                Verdict::FailMessage { failure_message } => {
                    answer.insert("result".into(), "fail".into());
                    answer.insert("failure_message".into(), json!(failure_message));
                }
                Verdict::FailOnion { failure_onion } => {
                    answer.insert("result".into(), "fail".into());
                    answer.insert("failure_onion".into(), json!(failure_onion));
                }
                Verdict::Resolve { payment_key } => {
                    answer.insert("result".into(), "resolve".into());
                    answer.insert("payment_key".into(), json!(payment_key));
                }
            }
            Value::Object(answer).to_string()
        }
    }

    impl HtlcAcceptedChain {
        fn verdict(&self, answer: &Answer) -> Result<(Verdict, Option<String>), Invalid> {
            match answer.result()? {
                Some("continue") => Ok((Verdict::Continue, None)),
                Some("fail") => self.fail(answer),
                Some("resolve") => Ok((self.resolve(answer)?, None)),
                other => Err(unknown_result(other, "continue, fail or resolve")),
            }
        }

        fn fail(&self, answer: &Answer) -> Result<(Verdict, Option<String>), Invalid> {
            if let Some(failure_onion) = answer.text::<HexBytes>("failure_onion")? {
                match failure_onion.as_bytes().len() {
                    1..=FAILURE_ONION_MAX => {}
                    len => {
                        return Err(Invalid::new(format!(
                            "failure_onion has {len} bytes, not 1 to {FAILURE_ONION_MAX}"
                        )));
                    }
                }
                let ignored = answer.has("failure_message").then(|| {
                    "failure_message was ignored, because there is a failure_onion".to_owned()
                });
                return Ok((Verdict::FailOnion { failure_onion }, ignored));
            }
            let failure_message = match answer.text("failure_message")? {
                Some(message) => message,
                None => match answer.number("failure_code")? {
                    Some(code) => message_of_code(code, self.facts())?,
                    None => {
                        return Err(Invalid::new(
                            "a fail needs failure_message or failure_onion",
                        ));
                    }
                },
            };
            Ok((Verdict::FailMessage { failure_message }, None))
        }

        fn resolve(&self, answer: &Answer) -> Result<Verdict, Invalid> {
            let payment_key: Preimage = answer
                .text("payment_key")?
                .ok_or_else(|| Invalid::new("a resolve needs payment_key"))?;
            // lightningd checks it once more, so without a hash this may go out.
            match self.seen().payment_hash {
                Some(hash) if hash != payment_key.payment_hash() => Err(Invalid::new(format!(
                    "payment_key does not hash to the payment_hash {hash} of the HTLC"
                ))),
                _ => Ok(Verdict::Resolve { payment_key }),
            }
        }

        fn facts(&self) -> HtlcFacts {
            let htlc = self.seen();
            let height = htlc
                .cltv_expiry
                .zip(htlc.cltv_expiry_relative)
                .and_then(|(expiry, relative)| expiry.checked_sub_signed(relative));
            HtlcFacts {
                amount: htlc.amount_msat,
                cltv_expiry: htlc.cltv_expiry,
                height,
            }
        }

        fn seen(&self) -> SeenHtlc {
            #[derive(Deserialize)]
            struct Seen {
                htlc: SeenHtlc,
            }
            serde_json::from_str(&self.payload)
                .map(|seen: Seen| seen.htlc)
                .unwrap_or_default()
        }
    }

    /// What of an HTLC the checks want to know, as far as it can be found.
    #[derive(Default, Deserialize)]
    struct SeenHtlc {
        payment_hash: Option<PaymentHash>,
        amount_msat: Option<Amount>,
        cltv_expiry: Option<u32>,
        cltv_expiry_relative: Option<i32>,
    }

    /// The members that rewrite the HTLC, checked.
    fn edits(answer: &Answer) -> Result<Map<String, Value>, Invalid> {
        let mut edits = Map::new();
        if let Some(payload) = answer.text::<HexBytes>("payload")? {
            edits.insert("payload".into(), json!(payload));
        }
        if let Some(channel) = answer.text::<ChannelId>("forward_to")? {
            edits.insert("forward_to".into(), json!(channel));
        }
        if let Some(tlvs) = answer.text::<HexBytes>("extra_tlvs")? {
            onion_payload::check_extra_tlvs(tlvs.as_bytes())
                .map_err(|reason| Invalid::new(format!("extra_tlvs is wrong: {reason}")))?;
            edits.insert("extra_tlvs".into(), json!(tlvs));
        }
        if let Some(amount) = answer.msat("invoice_msat")? {
            edits.insert("invoice_msat".into(), json!(amount));
        }
        Ok(edits)
    }

    /// The payload as lightningd would show it to the next plugin after these edits.
    /// None when it is not what this version knows, or nothing of it changes.
    fn rewritten(payload: &str, edits: &Map<String, Value>) -> Option<String> {
        if edits.keys().all(|name| name == "invoice_msat") {
            return None;
        }
        let mut view: Value = serde_json::from_str(payload).ok()?;
        if let Some(Value::String(new)) = edits.get("payload") {
            let onion = view.get_mut("onion")?.as_object_mut()?;
            let last = match onion.get("next_onion") {
                Some(Value::String(next)) => onion_payload::is_last(next),
                _ => return None,
            };
            let bytes = hex::decode(new).ok()?;
            for name in onion_payload::DECODED {
                onion.remove(name);
            }
            onion.extend(onion_payload::decode(&bytes, last).unwrap_or_default());
            let mut prefixed = Vec::new();
            crate::primitives::write_bigsize(&mut prefixed, bytes.len() as u64);
            prefixed.extend(bytes);
            onion.insert("payload".into(), hex::encode(prefixed).into());
        }
        if let Some(tlvs) = edits.get("extra_tlvs") {
            let htlc = view.get_mut("htlc")?.as_object_mut()?;
            htlc.insert("extra_tlvs".into(), tlvs.clone());
        }
        if let Some(channel) = edits.get("forward_to") {
            let view = view.as_object_mut()?;
            view.insert("forward_to".into(), channel.clone());
        }
        Some(view.to_string())
    }
}

#[cfg(test)]
mod tests;
