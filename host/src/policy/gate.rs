//! The one place that says yes or no to a guest's call to lightningd.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;

use super::budget::{
    Budget, BudgetLimits, BudgetRefusal, BudgetStore, Reservation, StoreError, price,
};
use super::grant::{Denied, Grants};
use super::rpc::RpcGrant;
use super::runes::{Call, Evaluation, Refusal};

/// The grants of RPC calls of one guest, with what they have to remember: when
/// each last let a call pass (for `rate` and `per`), and what was spent.
pub struct RpcGate {
    grants: Grants,
    armed: Vec<Armed>,
    store: Box<MakeStore>,
}

/// Gives a budget its store, by the budget's name.
type MakeStore = dyn Fn(&str) -> Box<dyn BudgetStore> + Send + Sync;

struct Armed {
    grant: RpcGrant,
    /// Held while a call is judged, so that two calls at once cannot both be the
    /// one that `rate` allows.
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    last_used: Option<Duration>,
    /// Taken up with the first call that spends.
    budget: Option<Arc<Budget>>,
}

/// A call that may be made.
#[derive(Debug)]
#[must_use]
pub struct Allowed {
    /// Which of [`Grants::rpc`] lets it pass.
    pub grant: usize,
    /// What is set aside for it, where the grant has a budget and the call
    /// spends: to be settled or released when the outcome is known.
    pub reservation: Option<Reservation>,
}

/// Why no grant lets a call pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RpcRefusal {
    /// Nothing is granted that has to do with this method.
    Denied(Denied),
    /// There are grants that have to do with it.
    Refused {
        /// What was asked for, such as `RPC call pay`.
        what: String,
        /// The policy's file name.
        file: String,
        /// What each of these grants says.
        reasons: Vec<Reason>,
    },
}

/// What one grant says against a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A restriction does not hold.
    Restriction(Refusal),
    /// It spends, and how much is not known before.
    Unpriced(String),
    /// The budget has no room.
    Budget(BudgetRefusal),
}

impl fmt::Display for RpcRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RpcRefusal::Denied(denied) => denied.fmt(f),
            RpcRefusal::Refused {
                what,
                file,
                reasons,
            } => {
                f.write_str(what)?;
                for (i, reason) in reasons.iter().enumerate() {
                    f.write_str(if i == 0 { ": " } else { "; " })?;
                    reason.fmt(f)?;
                }
                write!(f, " (rpc of [grant] in {file})")
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Restriction(refusal) => refusal.fmt(f),
            Reason::Unpriced(why) => write!(f, "Not permitted under a budget: {why}"),
            Reason::Budget(refusal) => write!(f, "Not permitted: {refusal}"),
        }
    }
}

impl std::error::Error for RpcRefusal {}

impl RpcGate {
    /// The grants. `store` gives each budget its store, by [`RpcGrant::key`], when a
    /// call under it is to spend for the first time.
    pub fn new(
        grants: &Grants,
        store: impl Fn(&str) -> Box<dyn BudgetStore> + Send + Sync + 'static,
    ) -> RpcGate {
        let armed = |grant: &RpcGrant| Armed {
            grant: grant.clone(),
            memory: Mutex::default(),
        };
        RpcGate {
            grants: grants.clone(),
            armed: grants.rpc().iter().map(armed).collect(),
            store: Box::new(store),
        }
    }

    /// Whether [`judge`](Self::judge) may wait for the disk: some grant has a budget.
    pub fn may_wait(&self) -> bool {
        self.armed.iter().any(|armed| armed.grant.budget.is_some())
    }

    /// Judges one call by the grants in their order; the first that lets it pass
    /// counts. `now` is since 1970, UTC.
    ///
    /// # Errors
    ///
    /// None lets it pass.
    pub fn judge(
        &self,
        method: &str,
        params: Option<&RawValue>,
        now: Duration,
    ) -> Result<Allowed, RpcRefusal> {
        let mut reasons = Vec::new();
        let call = Evaluation::of(Call {
            method: Some(method),
            params,
            id: None,
            now,
            last_used: None,
        });
        for (grant, armed) in self.armed.iter().enumerate() {
            match armed.judge(&call, method, params, now, &*self.store) {
                Ok(reservation) => return Ok(Allowed { grant, reservation }),
                Err(reason) => reasons.push((armed, reason)),
            }
        }
        // What other methods may do says nothing about this one.
        let concerned: Vec<Reason> = reasons
            .into_iter()
            .filter(|(armed, _)| armed.grant.concerns(method))
            .map(|(_, reason)| reason)
            .collect();
        if concerned.is_empty() {
            return Err(RpcRefusal::Denied(self.grants.rpc_denied(method)));
        }
        Err(self.refused(method, concerned))
    }

    /// That no budget could be asked about a call.
    pub fn fault(&self, method: &str, why: &str) -> RpcRefusal {
        let fault = BudgetRefusal::Store(StoreError(why.to_owned()));
        self.refused(method, vec![Reason::Budget(fault)])
    }

    fn refused(&self, method: &str, reasons: Vec<Reason>) -> RpcRefusal {
        let Denied { what, file, .. } = self.grants.rpc_denied(method);
        RpcRefusal::Refused {
            what,
            file,
            reasons,
        }
    }
}

impl Memory {
    /// The budget, taken up where its history ends. After a failure it is tried again.
    fn budget(
        &mut self,
        limits: BudgetLimits,
        now: Duration,
        store: impl FnOnce() -> Box<dyn BudgetStore>,
    ) -> Result<Arc<Budget>, StoreError> {
        if let Some(budget) = &self.budget {
            return Ok(Arc::clone(budget));
        }
        let budget = Budget::open(limits, store(), now)?;
        self.budget = Some(Arc::clone(&budget));
        Ok(budget)
    }
}

impl fmt::Debug for RpcGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcGate")
            .field("grants", &self.grants.rpc())
            .finish_non_exhaustive()
    }
}

impl RpcRefusal {
    /// The history of a budget cannot be read or written: it is no word on the call.
    pub fn is_fault(&self) -> bool {
        match self {
            RpcRefusal::Denied(_) => false,
            RpcRefusal::Refused { reasons, .. } => reasons
                .iter()
                .any(|reason| matches!(reason, Reason::Budget(BudgetRefusal::Store(_)))),
        }
    }
}

impl Armed {
    fn judge(
        &self,
        call: &Evaluation<'_>,
        method: &str,
        params: Option<&RawValue>,
        now: Duration,
        store: &MakeStore,
    ) -> Result<Option<Reservation>, Reason> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        call.permits_after(memory.last_used, &self.grant.restrictions)
            .map_err(Reason::Restriction)?;
        let reservation = match self.grant.budget {
            None => None,
            Some(limits) => {
                let msat = price(method, params, limits.onchain_fee_msat)
                    .map_err(|why| Reason::Unpriced(why.to_string()))?;
                match msat {
                    0 => None,
                    _ => {
                        let budget = memory.budget(limits, now, || store(&self.grant.key()));
                        let budget = budget.map_err(BudgetRefusal::Store);
                        let reserved = budget.and_then(|budget| budget.reserve(msat, now));
                        Some(reserved.map_err(Reason::Budget)?)
                    }
                }
            }
        };
        memory.last_used = Some(now);
        Ok(reservation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::policy::budget::Record;
    use std::path::Path;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    struct Kept(Vec<Record>);

    impl BudgetStore for Kept {
        fn load(&mut self) -> Result<Vec<Record>, StoreError> {
            Ok(self.0.clone())
        }

        fn append(&mut self, record: &Record) -> Result<(), StoreError> {
            self.0.push(*record);
            Ok(())
        }
    }

    fn gate(text: &str) -> RpcGate {
        let policy = Policy::parse(text, Path::new("gate.toml")).unwrap();
        RpcGate::new(policy.grants(), |_| Box::new(Kept(Vec::new())))
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.into()).unwrap()
    }

    fn says(gate: &RpcGate, method: &str, params: &str) -> String {
        match gate.judge(method, Some(&raw(params)), NOW) {
            Ok(allowed) => format!("ok {}", allowed.grant),
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn any_grant_may_let_a_call_pass() {
        let gate = gate(
            "[grant]\nrpc = [\"getinfo\", { restrictions = [\"method^list\", \"method/listdatastore\"] }, { restrictions = [\"method=delinvoice\", \"pnamelabel^mine\"] }]",
        );
        assert_eq!(says(&gate, "getinfo", "{}"), "ok 0");
        assert_eq!(says(&gate, "listpeers", "[]"), "ok 1");
        assert_eq!(says(&gate, "delinvoice", "{\"label\":\"mine-1\"}"), "ok 2");
        assert_eq!(
            says(&gate, "delinvoice", "{\"label\":\"yours\"}"),
            "RPC call delinvoice: Not permitted: parameter label does not start with mine (rpc of [grant] in gate.toml)"
        );
        assert_eq!(
            says(&gate, "withdraw", "{}"),
            "RPC call withdraw is not granted: add \"withdraw\" under rpc of [grant] in gate.toml"
        );
        assert!(
            says(&gate, "listdatastore", "{}").starts_with("RPC call listdatastore is not granted")
        );
    }

    #[test]
    fn without_grants_the_line_to_add_is_whole() {
        assert_eq!(
            says(&gate(""), "getinfo", "{}"),
            "RPC call getinfo is not granted: add rpc = [\"getinfo\"] under [grant] in gate.toml"
        );
    }

    #[test]
    fn rate_is_kept_for_each_grant_and_only_success_counts() {
        let gate = gate(
            "[grant]\nrpc = [{ restrictions = [\"method=getinfo\", \"pnum=0\", \"per=1min\"] }, { restrictions = [\"method=listpeers\", \"rate=1\"] }]",
        );
        assert!(says(&gate, "getinfo", "[1]").contains("number of parameters"));
        assert_eq!(says(&gate, "getinfo", "{}"), "ok 0");
        assert_eq!(
            says(&gate, "getinfo", "{}"),
            "RPC call getinfo: Not permitted: too soon (rpc of [grant] in gate.toml)"
        );
        assert_eq!(says(&gate, "listpeers", "{}"), "ok 1");
        let later = gate.judge("getinfo", None, NOW + Duration::from_secs(60));
        assert!(later.is_ok());
    }

    #[test]
    fn a_budget_is_charged_only_for_what_spends() {
        let gate = gate(
            "[[grant.rpc]]\nmethods = [\"keysend\", \"listpays\", \"injectpaymentonion\", \"mystery\"]\nbudget = { per_hour_msat = 10000, per_call_msat = 9000 }",
        );
        let pay = |msat: u64| format!("{{\"amount_msat\":{msat},\"maxfee\":0}}");
        assert_eq!(says(&gate, "listpays", "{}"), "ok 0");
        assert_eq!(
            says(&gate, "keysend", &pay(9001)),
            "RPC call keysend: Not permitted: up to 9001 msat, above the budget of 9000 msat per call (rpc of [grant] in gate.toml)"
        );
        let held = gate
            .judge("keysend", Some(&raw(&pay(8000))), NOW)
            .unwrap()
            .reservation
            .unwrap();
        assert_eq!(held.msat(), 8000);
        assert_eq!(
            says(&gate, "keysend", &pay(2001)),
            "RPC call keysend: Not permitted: up to 2001 msat, but of the budget of 10000 msat per hour only 2000 msat are left (rpc of [grant] in gate.toml)"
        );
        held.settle(7000, NOW).unwrap();
        assert_eq!(says(&gate, "keysend", &pay(3000)), "ok 0");
        assert!(says(&gate, "keysend", &pay(1)).contains("only 0 msat are left"));
        assert!(says(&gate, "injectpaymentonion", "{}").contains("inside the onion"));
        assert!(says(&gate, "mystery", "{}").contains("not known whether this method spends"));
    }

    /// A disk that works from the second time on.
    struct Mended(Arc<std::sync::atomic::AtomicBool>);

    impl BudgetStore for Mended {
        fn load(&mut self) -> Result<Vec<Record>, StoreError> {
            match self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
                true => Ok(Vec::new()),
                false => Err(StoreError("disk".into())),
            }
        }

        fn append(&mut self, _: &Record) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn a_store_that_fails_permits_nothing_that_spends() {
        let policy = Policy::parse(
            "[[grant.rpc]]\nmethods = [\"keysend\", \"listpays\"]\nbudget = { per_hour_msat = 1000 }",
            Path::new("gate.toml"),
        )
        .unwrap();
        let works = Arc::default();
        let gate = RpcGate::new(policy.grants(), move |_| {
            Box::new(Mended(Arc::clone(&works)))
        });
        assert!(gate.may_wait());
        assert_eq!(says(&gate, "listpays", "{}"), "ok 0");
        let pay = raw("{\"amount_msat\":1,\"maxfee\":0}");
        let refusal = gate.judge("keysend", Some(&pay), NOW).unwrap_err();
        assert!(refusal.is_fault(), "{refusal}");
        assert!(refusal.to_string().contains("disk"), "{refusal}");
        assert!(gate.judge("keysend", Some(&pay), NOW).is_ok());
    }

    #[test]
    fn one_of_many_at_once_passes_a_rate() {
        let gate = gate("[grant]\nrpc = [{ restrictions = [\"method=getinfo\", \"per=1hour\"] }]");
        let passed: usize = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        (0..50)
                            .filter(|_| gate.judge("getinfo", None, NOW).is_ok())
                            .count()
                    })
                })
                .collect();
            asking
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(passed, 1);
    }
}
