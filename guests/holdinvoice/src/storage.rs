//! All registered payments, in memory. What lasts of them is in the guest's store.

use std::collections::{BTreeMap, VecDeque};

use cln_guest::prelude::*;

use crate::invoice::{Invoice, Kept, Terms};

/// So many payments can be registered and not yet settled or cancelled.
pub const MOST_OPEN: usize = 50_000;
/// So many settled and cancelled ones are remembered. The oldest is forgotten first.
pub const MOST_FINAL: usize = 10_000;

/// Why a payment was not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The hash is registered already.
    Known,
    /// [`MOST_OPEN`] are registered.
    Full,
}

/// The registered payments by hash.
#[derive(Debug, Default)]
pub struct Storage {
    invoices: BTreeMap<PaymentHash, Invoice>,
    /// Those that are settled or cancelled, the oldest first.
    ended: VecDeque<PaymentHash>,
}

impl Storage {
    /// Takes up what was kept.
    pub fn restore(&mut self, mut all: Vec<(PaymentHash, Kept)>) {
        all.sort_by_key(|(_, kept)| kept.ended);
        for (hash, kept) in all {
            let invoice = Invoice::restored(kept);
            if invoice.status().is_final() {
                self.ended.push_back(hash);
            }
            self.invoices.insert(hash, invoice);
        }
    }

    /// Registers a payment.
    pub fn insert(&mut self, hash: PaymentHash, terms: Terms) -> Result<(), Refused> {
        if self.invoices.contains_key(&hash) {
            return Err(Refused::Known);
        }
        if self.invoices.len().saturating_sub(self.ended.len()) >= MOST_OPEN {
            return Err(Refused::Full);
        }
        self.invoices.insert(hash, Invoice::new(terms));
        Ok(())
    }

    /// Takes a payment back that could not be kept. What came for it already is refused.
    pub fn remove(&mut self, hash: &PaymentHash) {
        if let Some(mut invoice) = self.invoices.remove(hash) {
            invoice.cancel();
        }
        self.ended.retain(|ended| ended != hash);
    }

    /// One payment.
    pub fn get(&self, hash: &PaymentHash) -> Option<&Invoice> {
        self.invoices.get(hash)
    }

    /// All payments in the order of their hashes.
    pub fn iter(&self) -> impl Iterator<Item = (&PaymentHash, &Invoice)> {
        self.invoices.iter()
    }

    /// Changes one payment. None when it is not registered.
    pub fn update<T>(
        &mut self,
        hash: &PaymentHash,
        change: impl FnOnce(&mut Invoice) -> T,
    ) -> Option<T> {
        self.invoices.get_mut(hash).map(change)
    }

    /// Changes each payment that is not settled or cancelled.
    pub fn update_each(&mut self, mut change: impl FnMut(&PaymentHash, &mut Invoice)) {
        for (hash, invoice) in &mut self.invoices {
            if !invoice.status().is_final() {
                change(hash, invoice);
            }
        }
    }

    /// This one is settled or cancelled for good: forgets the oldest of those that are
    /// too many, and says which.
    pub fn end(&mut self, hash: PaymentHash) -> Vec<PaymentHash> {
        if !self.ended.contains(&hash) {
            self.ended.push_back(hash);
        }
        let too_many = self.ended.len().saturating_sub(MOST_FINAL);
        let forgotten: Vec<_> = self.ended.drain(..too_many).collect();
        for hash in &forgotten {
            self.invoices.remove(hash);
        }
        forgotten
    }
}
