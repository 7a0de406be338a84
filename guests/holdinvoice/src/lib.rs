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

mod invoice;
mod storage;

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use cln_guest::prelude::*;
use sha2::{Digest, Sha256 as Sha256Hasher};

use invoice::{Invoice, Kept, Status, Taken, Terms};
use storage::{MOST_OPEN, Refused, Storage};

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

/// Where payments are in the store; their hash follows.
const KEPT: &str = "invoice/";
const ACCEPTED: &str = "holdinvoice_accepted";
/// How often incomplete payments are looked at, in seconds.
const SWEEP: u64 = 5;
/// lightningd's code for an invoice that is not there (`common/jsonrpc_errors.h`).
const INVOICE_NOT_FOUND: i64 = 905;
/// lightningd's code for an invoice that is in another state.
const INVOICE_STATUS_UNEXPECTED: i64 = 906;
/// lightningd's code for a hash that is in use.
const INVOICE_PREIMAGE_ALREADY_EXISTS: i64 = 901;

/// What the guest knows.
#[derive(Debug, Default)]
pub struct State {
    storage: RefCell<Storage>,
}

/// A payment as the methods show it.
#[derive(Debug, serde::Serialize)]
struct Shown {
    payment_hash: PaymentHash,
    amount_msat: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cltv: Option<u32>,
    state: Status,
    held_msat: Amount,
    htlcs: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cltv_expiry: Option<u32>,
}

impl Shown {
    fn new(payment_hash: &PaymentHash, invoice: &Invoice) -> Self {
        Shown {
            payment_hash: *payment_hash,
            amount_msat: invoice.terms.amount,
            label: invoice.terms.label.clone(),
            cltv: invoice.terms.cltv,
            state: invoice.status(),
            held_msat: invoice.held_amount(),
            htlcs: invoice.held(),
            cltv_expiry: invoice.cltv_expiry(),
        }
    }
}

#[derive(Debug, serde::Deserialize)]
struct RegisterParams {
    payment_hash: PaymentHash,
    amount_msat: Amount,
    label: Option<String>,
    cltv: Option<u32>,
    payment_secret: Option<Secret>,
}

impl RegisterParams {
    fn terms(self, last_blocks: u32) -> Result<Terms, RpcError> {
        if self.amount_msat == Amount::ZERO {
            return Err(RpcError::invalid_params("amount_msat: must be above 0"));
        }
        if self.cltv.is_some_and(|cltv| cltv <= last_blocks) {
            return Err(RpcError::invalid_params(format!(
                "cltv: must be above {last_blocks}, the blocks before expiry at which payments are cancelled"
            )));
        }
        Ok(Terms {
            amount: self.amount_msat,
            label: self.label,
            cltv: self.cltv,
            payment_secret: self.payment_secret,
        })
    }
}

async fn register_check(cx: Cx<State>, params: RegisterParams) -> Result<(), RpcError> {
    params.terms(last_blocks(&cx)).map(drop)
}

async fn register(cx: Cx<State>, params: RegisterParams) -> Result<Shown, RpcError> {
    let hash = params.payment_hash;
    let terms = params.terms(last_blocks(&cx))?;
    cx.state()
        .storage
        .borrow_mut()
        .insert(hash, terms)
        .map_err(|refused| match refused {
            Refused::Known => RpcError::new(
                INVOICE_PREIMAGE_ALREADY_EXISTS,
                format!("{hash} is registered already"),
            ),
            Refused::Full => RpcError::internal(format!(
                "{MOST_OPEN} payments are open: settle or cancel some"
            )),
        })?;
    if let Err(error) = keep(&cx, &hash).await {
        cx.state().storage.borrow_mut().remove(&hash);
        return Err(not_kept(&hash, "registered", &error));
    }
    shown(&cx.state().storage.borrow(), &hash)
}

/// Takes up what was kept.
async fn load(cx: Cx<State>) -> Result<(), String> {
    let kept: Vec<(String, Kept)> = cx
        .kv()
        .entries_json(KEPT)
        .await
        .map_err(|error| format!("the registered payments cannot be read: {error}"))?;
    let read = |(key, kept): (String, Kept)| {
        let hash = key.strip_prefix(KEPT).and_then(|hash| hash.parse().ok());
        let hash = hash.ok_or_else(|| format!("the store has a key {key:?} that is no hash"))?;
        Ok((hash, kept))
    };
    let kept = kept.into_iter().map(read).collect::<Result<_, String>>()?;
    cx.state().storage.borrow_mut().restore(kept);
    Ok(())
}

/// Writes down how a payment stands. It is on the disk when this returns.
async fn keep(cx: &Cx<State>, hash: &PaymentHash) -> Result<(), KvError> {
    let now = cx.now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    let kept = cx
        .state()
        .storage
        .borrow_mut()
        .update(hash, |invoice| invoice.kept(now));
    match kept {
        Some(kept) => cx.kv().set_json(&format!("{KEPT}{hash}"), &kept).await,
        None => Ok(()),
    }
}

/// A payment is settled or cancelled: forgets the oldest such.
async fn forget_old(cx: &Cx<State>, hash: PaymentHash) {
    let forgotten = cx.state().storage.borrow_mut().end(hash);
    for hash in forgotten {
        if let Err(error) = cx.kv().delete(&format!("{KEPT}{hash}")).await {
            log::warn!("{hash} stays in the store: {error}");
        }
    }
}

fn not_kept(hash: &PaymentHash, what: &str, error: &KvError) -> RpcError {
    RpcError::internal(format!("{hash} was not {what}: {error}"))
}

fn shown(storage: &Storage, hash: &PaymentHash) -> Result<Shown, RpcError> {
    storage
        .get(hash)
        .map(|invoice| Shown::new(hash, invoice))
        .ok_or_else(|| unknown(hash))
}

fn unknown(hash: &PaymentHash) -> RpcError {
    RpcError::new(INVOICE_NOT_FOUND, format!("{hash} is not registered"))
}

/// What a method did to a payment.
#[derive(Debug, serde::Serialize)]
struct Ended {
    payment_hash: PaymentHash,
    state: Status,
    /// How many HTLCs were answered.
    htlcs: usize,
}

#[derive(Debug, serde::Deserialize)]
struct SettleParams {
    preimage: Preimage,
}

async fn settle(cx: Cx<State>, params: SettleParams) -> Result<Ended, RpcError> {
    let SettleParams { preimage } = params;
    let hash = PaymentHash::from_bytes(Sha256Hasher::digest(preimage.as_bytes()).into());
    let update = |change: fn(&mut Invoice, Preimage) -> bool| {
        let mut storage = cx.state().storage.borrow_mut();
        storage.update(&hash, |invoice| change(invoice, preimage))
    };
    if !update(Invoice::begin_settle).ok_or_else(|| unknown(&hash))? {
        return Err(RpcError::new(
            INVOICE_STATUS_UNEXPECTED,
            format!("{hash} cannot be settled: the whole payment is not held"),
        )
        .with_data(&shown(&cx.state().storage.borrow(), &hash)?));
    }
    // First kept, then taken: after a restart its HTLCs may be shown again.
    if let Err(error) = keep(&cx, &hash).await {
        let mut storage = cx.state().storage.borrow_mut();
        storage.update(&hash, Invoice::undo_settle);
        return Err(not_kept(&hash, "settled", &error));
    }
    let htlcs = cx
        .state()
        .storage
        .borrow_mut()
        .update(&hash, Invoice::finish_settle)
        .ok_or_else(|| unknown(&hash))?;
    forget_old(&cx, hash).await;
    Ok(Ended {
        payment_hash: hash,
        state: Status::Settled,
        htlcs,
    })
}

#[derive(Debug, serde::Deserialize)]
struct CancelParams {
    payment_hash: PaymentHash,
}

async fn cancel(cx: Cx<State>, params: CancelParams) -> Result<Ended, RpcError> {
    let hash = params.payment_hash;
    let cancelled = {
        let mut storage = cx.state().storage.borrow_mut();
        if storage.get(&hash).map(Invoice::status) == Some(Status::Settled) {
            return Err(RpcError::new(
                INVOICE_STATUS_UNEXPECTED,
                format!("{hash} is settled already"),
            ));
        }
        storage.update(&hash, Invoice::cancel)
    };
    let htlcs = cancelled.ok_or_else(|| unknown(&hash))?;
    keep(&cx, &hash).await.map_err(|error| {
        RpcError::internal(format!(
            "{hash}: {htlcs} HTLCs were sent back, but it is not kept that it is cancelled: {error}"
        ))
    })?;
    forget_old(&cx, hash).await;
    Ok(Ended {
        payment_hash: hash,
        state: Status::Cancelled,
        htlcs,
    })
}

#[derive(Debug, serde::Deserialize)]
struct LookupParams {
    payment_hash: Option<PaymentHash>,
}

#[derive(Debug, serde::Serialize)]
struct Looked {
    holdinvoices: Vec<Shown>,
}

async fn lookup(cx: Cx<State>, params: LookupParams) -> Result<Looked, RpcError> {
    let storage = cx.state().storage.borrow();
    let holdinvoices = match params.payment_hash {
        Some(hash) => vec![shown(&storage, &hash)?],
        None => storage
            .iter()
            .map(|(hash, invoice)| Shown::new(hash, invoice))
            .collect(),
    };
    Ok(Looked { holdinvoices })
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
