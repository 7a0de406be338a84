//! What lasts of payments.

use std::time::SystemTime;

use cln_guest::prelude::*;

use crate::State;
use crate::invoice::Kept;

/// Where payments are in the store; their hash follows.
const KEPT: &str = "invoice/";

/// Takes up what was kept.
pub(crate) async fn load(cx: Cx<State>) -> Result<(), String> {
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
pub(crate) async fn keep(cx: &Cx<State>, hash: &PaymentHash) -> Result<(), KvError> {
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
pub(crate) async fn forget_old(cx: &Cx<State>, hash: PaymentHash) {
    let forgotten = cx.state().storage.borrow_mut().end(hash);
    for hash in forgotten {
        if let Err(error) = cx.kv().delete(&format!("{KEPT}{hash}")).await {
            log::warn!("{hash} stays in the store: {error}");
        }
    }
}
