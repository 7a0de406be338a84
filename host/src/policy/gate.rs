//! The one place that says yes or no to a guest's call to lightningd.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;

use super::budget::{Budget, BudgetRefusal, BudgetStore, Reservation, StoreError, price};
use super::grant::{Denied, Grants};
use super::rpc::RpcGrant;
use super::runes::{Call, Refusal, evaluate};

/// The grants of RPC calls of one guest, with what they have to remember: when
/// each last let a call pass (for `rate` and `per`), and what was spent.
#[derive(Debug)]
pub struct RpcGate {
    grants: Grants,
    armed: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    grant: RpcGrant,
    budget: Option<Arc<Budget>>,
    /// Held while a call is judged, so that two calls at once cannot both be the
    /// one that `rate` allows.
    last_used: Mutex<Option<Duration>>,
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
    /// What each grant that has to do with it says.
    Refused(Vec<Reason>),
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
            RpcRefusal::Refused(reasons) => {
                for (i, reason) in reasons.iter().enumerate() {
                    if i > 0 {
                        f.write_str("; ")?;
                    }
                    reason.fmt(f)?;
                }
                Ok(())
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
    /// Takes up the grants where they were left. `store` gives each budget its
    /// store, by [`RpcGrant::key`].
    ///
    /// # Errors
    ///
    /// A store fails.
    pub fn open(
        grants: &Grants,
        mut store: impl FnMut(&str) -> Result<Box<dyn BudgetStore>, StoreError>,
        now: Duration,
    ) -> Result<RpcGate, StoreError> {
        let mut armed = Vec::new();
        for grant in grants.rpc() {
            let budget = match grant.budget {
                None => None,
                Some(limits) => Some(Budget::open(limits, store(&grant.key())?, now)?),
            };
            armed.push(Armed {
                grant: grant.clone(),
                budget,
                last_used: Mutex::new(None),
            });
        }
        Ok(RpcGate {
            grants: grants.clone(),
            armed,
        })
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
        for (grant, armed) in self.armed.iter().enumerate() {
            match armed.judge(method, params, now) {
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
        Err(RpcRefusal::Refused(concerned))
    }
}

impl Armed {
    fn judge(
        &self,
        method: &str,
        params: Option<&RawValue>,
        now: Duration,
    ) -> Result<Option<Reservation>, Reason> {
        let mut last_used = self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let call = Call {
            method: Some(method),
            params,
            id: None,
            now,
            last_used: *last_used,
        };
        evaluate(&self.grant.restrictions, &call).map_err(Reason::Restriction)?;
        let reservation = match &self.budget {
            None => None,
            Some(budget) => {
                let msat = price(method, params, budget.limits().onchain_fee_msat)
                    .map_err(|why| Reason::Unpriced(why.to_string()))?;
                match msat {
                    0 => None,
                    _ => Some(budget.reserve(msat, now).map_err(Reason::Budget)?),
                }
            }
        };
        *last_used = Some(now);
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

    struct Memory(Vec<Record>);

    impl BudgetStore for Memory {
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
        RpcGate::open(policy.grants(), |_| Ok(Box::new(Memory(Vec::new()))), NOW).unwrap()
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
            "Not permitted: parameter label does not start with mine"
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
        assert_eq!(says(&gate, "getinfo", "{}"), "Not permitted: too soon");
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
            "Not permitted: up to 9001 msat, above the budget of 9000 msat per call"
        );
        let held = gate
            .judge("keysend", Some(&raw(&pay(8000))), NOW)
            .unwrap()
            .reservation
            .unwrap();
        assert_eq!(held.msat(), 8000);
        assert_eq!(
            says(&gate, "keysend", &pay(2001)),
            "Not permitted: up to 2001 msat, but of the budget of 10000 msat per hour only 2000 msat are left"
        );
        held.settle(7000, NOW).unwrap();
        assert_eq!(says(&gate, "keysend", &pay(3000)), "ok 0");
        assert!(says(&gate, "keysend", &pay(1)).contains("only 0 msat are left"));
        assert!(says(&gate, "injectpaymentonion", "{}").contains("inside the onion"));
        assert!(says(&gate, "mystery", "{}").contains("not known whether this method spends"));
    }

    #[test]
    fn a_store_that_fails_opens_no_gate() {
        let policy = Policy::parse(
            "[[grant.rpc]]\nmethods = [\"pay\"]\nbudget = { per_call_msat = 1 }",
            Path::new("gate.toml"),
        )
        .unwrap();
        let failed = RpcGate::open(policy.grants(), |_| Err(StoreError("disk".into())), NOW);
        assert_eq!(failed.unwrap_err(), StoreError("disk".into()));
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
