//! The four methods.

use cln_guest::prelude::*;
use sha2::{Digest, Sha256 as Sha256Hasher};

use crate::invoice::{Invoice, Status, Terms};
use crate::kept::{forget_old, keep};
use crate::storage::{MOST_OPEN, Refused, Storage};
use crate::{State, last_blocks};

/// lightningd's code for an invoice that is not there (`common/jsonrpc_errors.h`).
const INVOICE_NOT_FOUND: i64 = 905;
/// lightningd's code for an invoice that is in another state.
const INVOICE_STATUS_UNEXPECTED: i64 = 906;
/// lightningd's code for a hash that is in use.
const INVOICE_PREIMAGE_ALREADY_EXISTS: i64 = 901;

/// A payment as the methods show it.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Shown {
    payment_hash: PaymentHash,
    amount_msat: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cltv: Option<u32>,
    state: Status,
    pub(crate) held_msat: Amount,
    pub(crate) htlcs: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cltv_expiry: Option<u32>,
}

impl Shown {
    pub(crate) fn new(payment_hash: &PaymentHash, invoice: &Invoice) -> Self {
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
pub(crate) struct RegisterParams {
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

pub(crate) async fn register_check(cx: Cx<State>, params: RegisterParams) -> Result<(), RpcError> {
    params.terms(last_blocks(&cx)).map(drop)
}

pub(crate) async fn register(cx: Cx<State>, params: RegisterParams) -> Result<Shown, RpcError> {
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
pub(crate) struct Ended {
    payment_hash: PaymentHash,
    state: Status,
    /// How many held HTLCs were answered by the guest. With a deadline the bridge might have
    /// answered them before.
    htlcs: usize,
}

#[derive(Debug, serde::Deserialize)]
pub(crate) struct SettleParams {
    preimage: Preimage,
}

pub(crate) async fn settle(cx: Cx<State>, params: SettleParams) -> Result<Ended, RpcError> {
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
pub(crate) struct CancelParams {
    payment_hash: PaymentHash,
}

pub(crate) async fn cancel(cx: Cx<State>, params: CancelParams) -> Result<Ended, RpcError> {
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
pub(crate) struct LookupParams {
    payment_hash: Option<PaymentHash>,
}

#[derive(Debug, serde::Serialize)]
pub(crate) struct Looked {
    holdinvoices: Vec<Shown>,
}

pub(crate) async fn lookup(cx: Cx<State>, params: LookupParams) -> Result<Looked, RpcError> {
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
