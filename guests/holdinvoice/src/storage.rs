//! All registered payments, in memory: the one place to change for a store that lasts.

use std::collections::{BTreeMap, VecDeque};

use cln_guest::prelude::*;

use crate::invoice::{Invoice, Terms};

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
        let invoice = self.invoices.get_mut(hash)?;
        let was_final = invoice.status().is_final();
        let result = change(invoice);
        if invoice.status().is_final() && !was_final {
            self.ended.push_back(*hash);
        }
        self.forget_old();
        Some(result)
    }

    /// Changes each payment that is not settled or cancelled.
    pub fn update_each(&mut self, mut change: impl FnMut(&PaymentHash, &mut Invoice)) {
        for (hash, invoice) in &mut self.invoices {
            if invoice.status().is_final() {
                continue;
            }
            change(hash, invoice);
            if invoice.status().is_final() {
                self.ended.push_back(*hash);
            }
        }
        self.forget_old();
    }

    fn forget_old(&mut self) {
        while self.ended.len() > MOST_FINAL {
            if let Some(oldest) = self.ended.pop_front() {
                self.invoices.remove(&oldest);
            }
        }
    }
}
