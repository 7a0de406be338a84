//! One registered payment: what it must be, and the HTLCs that are held for it.

use cln_guest::prelude::*;

/// Where a registered payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Registered. Parts of the payment may be held, but not all of it.
    Open,
    /// The whole amount is held and waits for `holdinvoicesettle` or `holdinvoicecancel`.
    Accepted,
    /// Paid.
    Settled,
    /// Turned down: what comes for it is failed.
    Cancelled,
}

impl Status {
    /// Whether nothing more will happen to it.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Settled | Status::Cancelled)
    }
}

/// What the operator registered.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Terms {
    /// The least that must be paid.
    pub amount: Amount,
    /// The operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Blocks that an HTLC must have left when it comes, where the operator said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cltv: Option<u32>,
    /// The secret in the invoice, without which nobody may pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_secret: Option<Secret>,
}

/// Names an HTLC: its channel, and its number there.
type HtlcKey = (ShortChannelId, u64);

/// How a payment was taken. lightningd may show its HTLCs once more after a restart.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Paid {
    preimage: Preimage,
    htlcs: Vec<HtlcKey>,
}

/// What is kept of a payment over a restart: all but what is held, which lightningd
/// shows again.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    #[serde(flatten)]
    terms: Terms,
    state: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paid: Option<Paid>,
    /// When it was settled or cancelled, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

/// What becomes of an HTLC that came.
#[derive(Debug)]
pub enum Taken {
    /// It is held; whether the payment is whole with it.
    Held(cln_guest::Answer<HtlcAcceptedAction>, bool),
    /// It belongs to a payment that was taken: this is its preimage.
    Paid(Preimage),
    /// It is not what was registered.
    Refused(FailureMessage),
}

/// An HTLC that is held.
#[derive(Debug)]
pub struct Part {
    key: Option<HtlcKey>,
    ticket: Ticket<HtlcAcceptedAction>,
    amount: Amount,
    cltv_expiry: u32,
    /// The block height when it came.
    height: u32,
}

impl Part {
    /// BOLT 4's answer that says no more than that this payment will not be.
    fn refusal(&self) -> HtlcAcceptedAction {
        HtlcAcceptedAction::fail(refusal(self.amount, self.height))
    }
}

/// `incorrect_or_unknown_payment_details`: the one answer for an unknown hash, a
/// wrong amount and a wrong secret, so that a prober learns nothing.
fn refusal(amount: Amount, height: u32) -> FailureMessage {
    FailureMessage::incorrect_or_unknown_payment_details(amount, height)
}

/// A registered payment.
#[derive(Debug)]
pub struct Invoice {
    /// What it must be.
    pub terms: Terms,
    status: Status,
    /// The sum that the sender says all parts make; all parts must agree on it.
    total: Option<Amount>,
    parts: Vec<Part>,
    paid: Option<Paid>,
    ended: Option<u64>,
    /// Seconds since the first part of an incomplete payment came.
    waited: u64,
}

impl Invoice {
    /// One that nobody has paid yet.
    pub fn new(terms: Terms) -> Self {
        Invoice {
            terms,
            status: Status::Open,
            total: None,
            parts: Vec::new(),
            paid: None,
            ended: None,
            waited: 0,
        }
    }

    /// One that was kept.
    pub fn restored(kept: Kept) -> Self {
        let Kept {
            terms,
            state,
            paid,
            ended,
        } = kept;
        Invoice {
            // What was held is not yet held again.
            status: if state.is_final() {
                state
            } else {
                Status::Open
            },
            paid,
            ended,
            ..Invoice::new(terms)
        }
    }

    /// What to keep of it; `now` is in seconds since 1970.
    pub fn kept(&mut self, now: u64) -> Kept {
        if self.status.is_final() {
            self.ended.get_or_insert(now);
        }
        Kept {
            terms: self.terms.clone(),
            state: self.status,
            paid: self.paid.clone(),
            ended: self.ended,
        }
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.status
    }

    /// How much is held. What the bridge answered after a deadline is in it: there must be none.
    pub fn held_amount(&self) -> Amount {
        self.parts
            .iter()
            .filter(|part| part.ticket.is_open())
            .fold(Amount::ZERO, |sum, part| {
                sum.checked_add(part.amount)
                    .unwrap_or(Amount::from_msat(u64::MAX))
            })
    }

    /// How many HTLCs are held, in the same sense.
    pub fn held(&self) -> usize {
        self.parts.iter().filter(|p| p.ticket.is_open()).count()
    }

    /// The block height at which the first of the held HTLCs goes back.
    pub fn cltv_expiry(&self) -> Option<u32> {
        let open = self.parts.iter().filter(|part| part.ticket.is_open());
        open.map(|part| part.cltv_expiry).min()
    }

    /// Forgets HTLCs whose handler waits no more, so that a sum never counts them. Those that
    /// the bridge answered after a deadline are not among them: their handlers wait on.
    fn drop_gone(&mut self) {
        self.parts.retain(|part| part.ticket.is_open());
        if self.status == Status::Accepted && Some(self.held_amount()) < self.total {
            self.status = Status::Open;
        }
        if self.parts.is_empty() {
            self.total = None;
            self.waited = 0;
        }
    }

    /// An HTLC for this payment came.
    pub fn take(&mut self, payload: &HtlcAcceptedPayload, height: u32, last_blocks: u32) -> Taken {
        let key = payload.htlc.short_channel_id.zip(payload.htlc.id);
        match (&self.paid, key) {
            (Some(paid), Some(key)) if paid.htlcs.contains(&key) => Taken::Paid(paid.preimage),
            _ => match self.hold(payload, height, last_blocks) {
                Ok((answer, whole)) => Taken::Held(answer, whole),
                Err(refusal) => Taken::Refused(refusal),
            },
        }
    }

    fn hold(
        &mut self,
        payload: &HtlcAcceptedPayload,
        height: u32,
        last_blocks: u32,
    ) -> Result<(cln_guest::Answer<HtlcAcceptedAction>, bool), FailureMessage> {
        let HtlcAcceptedPayload { onion, htlc, .. } = payload;
        self.drop_gone();
        // What lightningd would check before it pays an invoice of its own
        // (`lightningd/peer_htlcs.c:handle_localpay`): a resolve skips it.
        let forward = onion.forward_msat.unwrap_or(htlc.amount_msat);
        if htlc.amount_msat < forward {
            return Err(FailureMessage::final_incorrect_htlc_amount(
                htlc.amount_msat,
            ));
        }
        if onion
            .outgoing_cltv_value
            .is_some_and(|least| htlc.cltv_expiry < least)
        {
            return Err(FailureMessage::final_incorrect_cltv_expiry(
                htlc.cltv_expiry,
            ));
        }
        let blocks_left = u32::try_from(htlc.cltv_expiry_relative).unwrap_or(0);
        let total = onion.total_msat.unwrap_or(forward);
        let most = self.terms.amount.checked_mul(2);
        if self.status.is_final()
            || self.terms.cltv.is_some_and(|least| blocks_left < least)
            || blocks_left <= last_blocks
            || total < self.terms.amount
            // BOLT 4: twice the amount and no more.
            || most.is_some_and(|most| total > most)
            || self.total.is_some_and(|agreed| agreed != total)
            || (self.terms.payment_secret.is_some()
                && self.terms.payment_secret != onion.payment_secret)
        {
            return Err(refusal(htlc.amount_msat, height));
        }
        let (ticket, answer) = hold();
        self.total = Some(total);
        self.parts.push(Part {
            key: htlc.short_channel_id.zip(htlc.id),
            ticket,
            amount: htlc.amount_msat,
            cltv_expiry: htlc.cltv_expiry,
            height,
        });
        let whole = self.status == Status::Open && self.held_amount() >= total;
        if whole {
            self.status = Status::Accepted;
        }
        Ok((answer, whole))
    }

    /// Makes it settled, before any HTLC is answered: that it is so must be kept
    /// first. False when not all of the payment is there (any more).
    pub fn begin_settle(&mut self, preimage: Preimage) -> bool {
        self.drop_gone();
        if self.status != Status::Accepted {
            return false;
        }
        self.status = Status::Settled;
        let htlcs = self.parts.iter().filter_map(|part| part.key).collect();
        self.paid = Some(Paid { preimage, htlcs });
        true
    }

    /// Resolves all that is held. How many HTLCs' handlers took it.
    pub fn finish_settle(&mut self) -> usize {
        let Some(Paid { preimage, .. }) = self.paid else {
            return 0;
        };
        self.answer_all(|_| HtlcAcceptedAction::resolve(preimage))
    }

    /// It could not be kept that it is settled: it waits as before.
    pub fn undo_settle(&mut self) {
        self.status = Status::Accepted;
        self.paid = None;
        self.ended = None;
    }

    /// Fails all that is held, and all that comes later. How many HTLCs' handlers took it.
    pub fn cancel(&mut self) -> usize {
        self.status = Status::Cancelled;
        self.answer_all(Part::refusal)
    }

    /// Cancels when the first of the held HTLCs has only this many blocks left.
    pub fn cancel_near(&mut self, height: u32, last_blocks: u32) -> Option<usize> {
        let expiry = self.cltv_expiry()?;
        (height.saturating_add(last_blocks) >= expiry).then(|| self.cancel())
    }

    /// This many seconds have passed. Fails the parts of a payment that has been
    /// incomplete for `most` seconds, which may then be tried again.
    pub fn wait(&mut self, seconds: u64, most: u64) -> usize {
        self.drop_gone();
        if self.status != Status::Open || self.parts.is_empty() {
            return 0;
        }
        self.waited = self.waited.saturating_add(seconds);
        if self.waited < most {
            return 0;
        }
        self.answer_all(|_| HtlcAcceptedAction::fail(FailureMessage::mpp_timeout()))
    }

    fn answer_all(&mut self, answer: impl Fn(&Part) -> HtlcAcceptedAction) -> usize {
        self.total = None;
        self.waited = 0;
        self.parts
            .drain(..)
            .filter_map(|part| {
                let answer = answer(&part);
                part.ticket.settle(answer).ok()
            })
            .count()
    }
}
