//! What `openchannel2` and `rbf_channel` have in common: answers that add our inputs to
//! the funding transaction.
//!
//! lightningd overwrites an earlier plugin's contribution with whatever the next one
//! answers, a plain `continue` included (`openchannel2_hook_deserialize`). Between guests
//! a member that an answer leaves out keeps what an earlier guest gave, and one that it has
//! takes the place of that, which is logged.

use super::answer::Answer;
use super::psbt::{self, Needs};
use crate::hook::Invalid;
use crate::primitives::Amount;
use serde_json::{Map, Value};

/// Members that may go with `continue` only.
const CONTRIBUTED: [&str; 2] = ["psbt", "our_funding_msat"];

/// Refuses a rejection that contributes: lightningd would abort.
pub(super) fn check_reject(answer: &Answer, members: &[&str]) -> Result<(), Invalid> {
    match CONTRIBUTED
        .iter()
        .chain(members)
        .find(|name| answer.has(name))
    {
        Some(name) => Err(Invalid::new(format!("a reject has no {name}"))),
        None => Ok(()),
    }
}

/// Takes `psbt` and `our_funding_msat`, which go together.
pub(super) fn take(answer: &Answer, into: &mut Map<String, Value>) -> Result<(), Invalid> {
    // lightningd rounds down to satoshi, and counts zero as none.
    let amount = answer
        .msat("our_funding_msat")?
        .filter(|amount| amount.sat_rounded_down() > 0);
    let base64 = answer.text::<String>("psbt")?;
    match (base64, amount) {
        (None, None) => Ok(()),
        (Some(base64), Some(amount)) => {
            if amount.msat() / 1000 > MAX_SAT {
                return Err(Invalid::new(format!(
                    "our_funding_msat is {amount}, more than 21 million bitcoin"
                )));
            }
            psbt::check(&base64, Needs::Inputs)?;
            into.insert("psbt".into(), base64.into());
            into.insert("our_funding_msat".into(), amount.msat().into());
            Ok(())
        }
        (Some(_), None) => Err(Invalid::new(
            "psbt needs our_funding_msat of at least one satoshi",
        )),
        (None, Some(amount)) => Err(Invalid::new(format!(
            "our_funding_msat is {amount}, but there is no psbt"
        ))),
    }
}

/// 21 million bitcoin in satoshi.
const MAX_SAT: u64 = 2_100_000_000_000_000;

const LEASE_AMOUNTS: [&str; 2] = ["lease_fee_base_msat", "channel_fee_max_base_msat"];
const LEASE_NUMBERS: [&str; 3] = [
    "lease_fee_basis",
    "channel_fee_max_proportional_thousandths",
    "funding_weight",
];

/// Takes lease rates. lightningd wants all five members, and else forgets them: the note
/// says so.
pub(super) fn take_lease(
    answer: &Answer,
    into: &mut Map<String, Value>,
) -> Result<Option<String>, Invalid> {
    let names = LEASE_AMOUNTS.iter().chain(&LEASE_NUMBERS);
    if !names.clone().any(|name| answer.has(name)) {
        return Ok(None);
    }
    if let Some(missing) = names.clone().find(|name| !answer.has(name)) {
        return Ok(Some(format!(
            "the lease rates, because there is no {missing}"
        )));
    }
    let mut rates = Map::new();
    for name in LEASE_NUMBERS {
        let number: Option<u16> = answer.number(name)?;
        rates.insert(name.into(), number.into());
    }
    for name in LEASE_AMOUNTS {
        let amount = answer.msat(name)?.unwrap_or(Amount::ZERO);
        rates.insert(name.into(), amount.msat().into());
        let too_much = |unit: &str| {
            Err(Invalid::new(format!(
                "{name} is {amount}, which does not fit 32 bits of whole {unit}"
            )))
        };
        // One travels in sat, the other in msat.
        if name == "lease_fee_base_msat" {
            if amount.msat() % 1000 != 0 || u32::try_from(amount.msat() / 1000).is_err() {
                return too_much("sat");
            }
        } else if u32::try_from(amount.msat()).is_err() {
            return too_much("msat");
        }
    }
    into.extend(rates);
    Ok(None)
}

/// Adds what a plugin gave. Says what of an earlier plugin it takes the place of.
pub(super) fn add(given: Map<String, Value>, into: &mut Map<String, Value>) -> Vec<String> {
    // By a member that goes with all the others.
    let replaced = [
        ("psbt", "the contribution"),
        ("funding_weight", "the lease rates"),
    ]
    .into_iter()
    .filter(|(name, _)| given.contains_key(*name) && into.contains_key(*name))
    .map(|(_, what)| format!("{what} of an earlier plugin"))
    .collect();
    into.extend(given);
    replaced
}

/// What had no effect, for the log.
pub(super) fn note(ignored: &[String]) -> Option<String> {
    (!ignored.is_empty()).then(|| format!("ignored: {}", ignored.join("; ")))
}

/// The answer that rejects.
pub(super) fn rejection(message: Option<String>) -> Map<String, Value> {
    let mut answer = Map::new();
    answer.insert("result".into(), "reject".into());
    if let Some(message) = message {
        answer.insert("error_message".into(), message.into());
    }
    answer
}
