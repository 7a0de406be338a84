//! Hold invoices: payments that are kept waiting until the receiver takes or refuses them.
//!
//! A payment is registered by its payment hash. When HTLCs for it arrive they are
//! held; once they add up to the whole amount the payment is `accepted`, and
//! `holdinvoicesettle` takes it with the preimage, `holdinvoicecancel` sends it back.
//! HTLCs of other hashes, and HTLCs that are only forwarded, pass untouched.
//!
//! # Where the invoice comes from
//!
//! Not from here: lightningd's `invoice` wants the preimage, which the receiver of a
//! held payment does not have yet. Sign a BOLT 11 invoice for the hash (lightningd's
//! `signinvoice` does it for an invoice made elsewhere) and register its hash, amount
//! and, so that nobody on the route can pay in the sender's place, its payment secret.
//!
//! # Methods
//!
//! - `holdinvoice payment_hash amount_msat [label] [cltv] [payment_secret]` registers a
//!   payment. `cltv` (blocks) is the least that an HTLC must have left when it comes,
//!   the `min_final_cltv_expiry` of the invoice: how long the payment can be held at all.
//! - `holdinvoicesettle preimage` takes an accepted payment, all HTLCs of it.
//! - `holdinvoicecancel payment_hash` fails what is held and what comes later
//!   with `incorrect_or_unknown_payment_details`.
//! - `holdinvoicelookup [payment_hash]` shows one payment or all.
//!
//! The notification `holdinvoice_accepted` says that a payment has become complete:
//! `{"payment_hash", "amount_msat", "htlcs", "cltv_expiry", "label"}`, `cltv_expiry`
//! being the block height at which the first HTLC would go back.
//!
//! # Options
//!
//! - `holdinvoice-cancel-before-htlc-expiry` (blocks, 6): a payment is cancelled when
//!   the first of its HTLCs has only so many blocks left. Beyond that the peer would
//!   close the channel to get the money back.
//! - `holdinvoice-mpp-timeout` (seconds, 60): parts of a payment that does not become
//!   complete are failed with `mpp_timeout` after that long, as BOLT 4 asks.
//!
//! # What lasts
//!
//! Registered, settled and cancelled payments are in the guest's store, under
//! `invoice/` and their hash, before the method that made them so is answered. When
//! lightningd, the bridge or this guest starts again, lightningd shows every HTLC that was
//! held once more, and it is held again; `holdinvoice_accepted` is then sent again. HTLCs of a
//! payment that was settled just before are resolved with its preimage. Up to 50,000 payments can be
//! open; of settled and cancelled ones the last 10,000 are remembered.
//!
//! # Grants
//!
//! The hook `htlc_accepted` with the secret `payment_secret`, without a deadline; the
//! topic `block_added`; the store; the timer; the four methods and the notification. See
//! `holdinvoice.toml` beside this crate.
//!
//! The deadline must be off: after one the bridge answers in the guest's place, and the guest
//! has no way to see it. HTLCs that were failed would count as held, and `holdinvoicesettle`
//! would take a payment that nobody gets.

mod invoice;
mod kept;
mod methods;
mod storage;

use std::cell::RefCell;
use std::time::Duration;

use cln_guest::prelude::*;

use invoice::Taken;
use kept::{forget_old, keep, load};
use methods::{Shown, cancel, lookup, register, register_check, settle};
use storage::Storage;

const CANCEL_BEFORE: IntOption = IntOption::new(
    "holdinvoice-cancel-before-htlc-expiry",
    "Blocks before an HTLC's expiry at which a held payment is cancelled",
)
.default(6)
.dynamic();

const MPP_TIMEOUT: IntOption = IntOption::new(
    "holdinvoice-mpp-timeout",
    "Seconds after which the parts of an incomplete payment are failed",
)
.default(60)
.dynamic();

const ACCEPTED: &str = "holdinvoice_accepted";
/// How often incomplete payments are looked at, in seconds.
const SWEEP: u64 = 5;

/// What the guest knows.
#[derive(Debug, Default)]
pub struct State {
    storage: RefCell<Storage>,
}

fn last_blocks(cx: &Cx<State>) -> u32 {
    u32::try_from(cx.option(&CANCEL_BEFORE)).unwrap_or(0)
}

async fn on_htlc_accepted(
    cx: Cx<State>,
    payload: HtlcAcceptedPayload,
) -> Result<HtlcAcceptedAction, Unsettled> {
    let (onion, htlc) = (&payload.onion, &payload.htlc);
    // An unreadable payload is lightningd's to refuse, and what goes on to another
    // node is not for us, whatever its hash.
    if onion.typ.is_none()
        || onion.short_channel_id.is_some()
        || onion.next_node_id.is_some()
        || payload.forward_to.is_some()
    {
        return Ok(HtlcAcceptedAction::pass());
    }
    let hash = htlc.payment_hash;
    let height = htlc
        .cltv_expiry
        .saturating_add_signed(htlc.cltv_expiry_relative.saturating_neg());
    let taken = cx.state().storage.borrow_mut().update(&hash, |invoice| {
        let taken = invoice.take(&payload, height, last_blocks(&cx));
        (taken, Shown::new(&hash, invoice))
    });
    let (answer, whole, now) = match taken {
        None => return Ok(HtlcAcceptedAction::pass()),
        Some((Taken::Refused(refusal), _)) => {
            log::info!("{hash}: an HTLC of {} is refused", htlc.amount_msat);
            return Ok(HtlcAcceptedAction::fail(refusal));
        }
        Some((Taken::Paid(preimage), _)) => {
            log::info!("{hash}: an HTLC of {} was taken before", htlc.amount_msat);
            return Ok(HtlcAcceptedAction::resolve(preimage));
        }
        Some((Taken::Held(answer, whole), now)) => (answer, whole, now),
    };
    log::debug!("{hash}: an HTLC of {} is held", htlc.amount_msat);
    if whole {
        let accepted = Accepted {
            payment_hash: hash,
            amount_msat: now.held_msat,
            htlcs: now.htlcs,
            cltv_expiry: now.cltv_expiry,
            label: now.label,
        };
        if let Err(reason) = cx.notify(ACCEPTED, &accepted) {
            log::warn!("{hash} is accepted, but nobody was told: {reason}");
        }
    }
    answer.await
}

/// The notification.
#[derive(Debug, serde::Serialize)]
struct Accepted {
    payment_hash: PaymentHash,
    amount_msat: Amount,
    htlcs: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cltv_expiry: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

async fn on_block_added(cx: Cx<State>, block: BlockAddedPayload) {
    let last_blocks = last_blocks(&cx);
    let mut cancelled = Vec::new();
    cx.state()
        .storage
        .borrow_mut()
        .update_each(|hash, invoice| {
            if let Some(htlcs) = invoice.cancel_near(block.height, last_blocks) {
                log::warn!(
                    "{hash}: cancelled at block {}, {htlcs} HTLCs would expire",
                    block.height
                );
                cancelled.push(*hash);
            }
        });
    for hash in cancelled {
        // If it is not kept it is open again after a restart, and its HTLCs are too
        // near their expiry to be held.
        if let Err(error) = keep(&cx, &hash).await {
            log::warn!("{hash}: it is not kept that it is cancelled: {error}");
        }
        forget_old(&cx, hash).await;
    }
}

/// Looks at incomplete payments.
async fn sweep(cx: Cx<State>) {
    let most = u64::try_from(cx.option(&MPP_TIMEOUT)).unwrap_or(0);
    cx.state()
        .storage
        .borrow_mut()
        .update_each(|hash, invoice| {
            let failed = invoice.wait(SWEEP, most);
            if failed > 0 {
                log::info!("{hash}: {failed} parts were failed, the rest did not come");
            }
        });
}

/// The guest.
pub fn guest() -> Guest<State> {
    Guest::new(|_: &Init| Ok(State::default()))
        .dynamic()
        .option(&CANCEL_BEFORE)
        .validate(&CANCEL_BEFORE, |blocks| match blocks {
            1..=1_000 => Ok(()),
            _ => Err("must be from 1 to 1000 blocks".to_owned()),
        })
        .option(&MPP_TIMEOUT)
        .validate(&MPP_TIMEOUT, |seconds| match seconds {
            60..=3_600 => Ok(()),
            _ => Err("must be from 60 to 3600 seconds".to_owned()),
        })
        .checked_method(
            Method::new(
                "holdinvoice",
                "payment_hash amount_msat [label] [cltv] [payment_secret]",
                "Holds the payment of {payment_hash} when it comes",
            )
            .category("payment"),
            register_check,
            register,
        )
        .method(
            Method::new(
                "holdinvoicesettle",
                "preimage",
                "Takes the held payment whose hash is that of {preimage}",
            )
            .category("payment"),
            settle,
        )
        .method(
            Method::new(
                "holdinvoicecancel",
                "payment_hash",
                "Sends the held payment of {payment_hash} back",
            )
            .category("payment"),
            cancel,
        )
        .method(
            Method::new(
                "holdinvoicelookup",
                "[payment_hash]",
                "Shows the payment of {payment_hash}, or all that are registered",
            )
            .category("payment"),
            lookup,
        )
        .notification(ACCEPTED)
        .on_init(load)
        .hook::<HtlcAccepted>(on_htlc_accepted)
        .subscribe::<BlockAdded>(on_block_added)
        .every(Duration::from_secs(SWEEP), sweep)
        .request(
            "hooks: htlc_accepted secrets=payment_secret",
            "to hold the HTLCs of registered payments, and to refuse those without the invoice's secret",
        )
        .request(
            "subscriptions: block_added",
            "to cancel before an HTLC expires",
        )
        .request("kv", "to know the registered payments after a restart")
        .request("timer", "to fail payments of which parts do not come")
        .request(
            "notifications: holdinvoice_accepted",
            "to tell others that a payment is complete",
        )
}

cln_guest::export!(guest);
