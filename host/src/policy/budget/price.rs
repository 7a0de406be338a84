//! The most that one call can spend, from its parameters.

use serde_json::value::RawValue;

use super::methods::{METHODS, POSITIONS};
use crate::policy::quantity;
use crate::policy::runes::{Params, bolt11, bolt12, text_of};

/// Where a method has its amount.
#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    /// It does not spend.
    Free,
    /// It pays an invoice, or what is given for one that has no amount.
    Invoice {
        params: &'static [&'static str],
        amount: &'static str,
        partial: Option<&'static str>,
        fee: Fee,
        bolt12: Result<(), &'static str>,
    },
    /// One parameter, in msat.
    Msat { param: &'static str, fee: Fee },
    /// The first of a list of tables.
    FirstOf {
        param: &'static str,
        amounts: &'static [&'static str],
    },
    /// A member of a table.
    Member {
        param: &'static str,
        amounts: &'static [&'static str],
    },
    /// One parameter, in satoshi, and an on-chain fee.
    Onchain { param: &'static str },
    /// A list of `{address: satoshi}`, and an on-chain fee.
    Outputs { param: &'static str },
    /// `fundchannel`.
    Channel,
    /// `multifundchannel`.
    Channels { param: &'static str },
    /// It spends, and how much cannot be read from the call.
    Unknowable(&'static str),
}

/// The parameters that choose an on-chain fee, in every method that has them.
pub(super) const FEE_RATES: [&str; 2] = ["feerate", "commitment_feerate"];

/// The routing fee on top.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fee {
    /// The amount includes it.
    Within,
    /// `maxfee`, by default 1 % or 5 sat, whichever is more.
    MaxfeeOr1Percent,
    /// `maxfee`, or `maxfeepercent` and `exemptfee`. By default half a percent or
    /// 5 sat; but where xpay handles pay, 1 % or 5 sat.
    MaxfeeOrPercent,
}

/// A call whose amount cannot be told before it is made. The text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unpriced(String);

/// The most that this call can spend, in msat, fees included; 0 for calls that do
/// not spend. `onchain_fee_msat` is set aside for each on-chain fee.
///
/// # Errors
///
/// It cannot be known before.
pub fn price(
    method: &str,
    params: Option<&RawValue>,
    onchain_fee_msat: Option<u64>,
) -> Result<u64, Unpriced> {
    let Some((_, how)) = METHODS.iter().find(|(known, _)| *known == method) else {
        return Err(unpriced(
            "it is not known whether this method spends: grant it in a table of its own, without a budget",
        ));
    };
    if let How::Free = how {
        return Ok(0);
    }
    if let How::Unknowable(why) = how {
        return Err(unpriced(why));
    }
    let given = Given::read(method, params)?;
    let onchain = |sat: u64| {
        given.no_fee_rate()?;
        let fee = onchain_fee_msat.ok_or_else(|| {
            unpriced("its on-chain fee is not known before: set onchain_fee_msat in the budget to set that much aside for each transaction")
        })?;
        sum([sat, fee])
    };
    match how {
        How::Free => Ok(0),
        How::Unknowable(why) => Err(unpriced(why)),
        How::Invoice {
            params,
            amount,
            partial,
            fee,
            bolt12,
        } => {
            let whole = given.invoice(params, amount, *bolt12)?;
            let part = match partial {
                Some(partial) => given.msat(partial)?.map_or(whole, |part| part.min(whole)),
                None => whole,
            };
            // xpay takes a percentage of the part, pay by way of xpay one of the whole.
            sum([part, given.fee(*fee, whole)?])
        }
        How::Msat { param, fee } => {
            let amount = given
                .msat(param)?
                .ok_or_else(|| Unpriced(format!("{param} is missing")))?;
            sum([amount, given.fee(*fee, amount)?])
        }
        How::FirstOf { param, amounts } => {
            let list = items(given.required(param)?)?;
            let first = list
                .first()
                .ok_or_else(|| Unpriced(format!("{param} is empty")))?;
            member_amount(first, amounts)
        }
        How::Member { param, amounts } => member_amount(given.required(param)?, amounts),
        How::Onchain { param } => onchain(sat(param, given.required(param)?)?),
        How::Outputs { param } => {
            let mut total = 0;
            for output in items(given.required(param)?)? {
                for (_, amount) in members(output)? {
                    total = sum([total, sat("an output", amount)?])?;
                }
            }
            onchain(total)
        }
        How::Channel => {
            no_lease(given.get("request_amt"))?;
            onchain(sat("amount", given.required("amount")?)?)
        }
        How::Channels { param } => {
            let mut total = 0;
            for destination in items(given.required(param)?)? {
                let members = members(destination)?;
                let get = |wanted: &str| one(&members, wanted);
                no_lease(get("request_amt")?)?;
                let amount =
                    get("amount")?.ok_or_else(|| unpriced("a destination without amount"))?;
                total = sum([total, sat("amount", amount)?])?;
            }
            onchain(total)
        }
    }
}

/// The parameters by name, each as JSON text.
struct Given<'c>(Vec<(&'c str, &'c str)>);

impl<'c> Given<'c> {
    fn read(method: &str, params: Option<&'c RawValue>) -> Result<Given<'c>, Unpriced> {
        let names = POSITIONS
            .iter()
            .find(|(known, _)| *known == method)
            .map_or(&[][..], |(_, names)| names);
        let given = match params.map(Params::read) {
            None => Vec::new(),
            Some(None) => return Err(unpriced("params is neither an object nor an array")),
            Some(Some(Params::Object(members))) => members,
            Some(Some(Params::Array(items))) => names.iter().copied().zip(items).collect(),
        };
        // Which of two would count is the business of whoever reads it.
        for name in names {
            one(&given, name)?;
        }
        Ok(Given(given))
    }

    /// None where it is absent or null.
    fn get(&self, name: &str) -> Option<&'c str> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
            .filter(|value| *value != "null")
    }

    fn required(&self, name: &str) -> Result<&'c str, Unpriced> {
        self.get(name)
            .ok_or_else(|| Unpriced(format!("{name} is missing")))
    }

    fn msat(&self, name: &str) -> Result<Option<u64>, Unpriced> {
        match self.get(name) {
            None => Ok(None),
            Some(json) => msat(name, json).map(Some),
        }
    }

    /// `onchain_fee_msat` stands for what lightningd's own estimate comes to. A rate of
    /// the guest's choice could turn any amount into a fee that nobody counts.
    fn no_fee_rate(&self) -> Result<(), Unpriced> {
        match FEE_RATES.iter().find(|name| self.get(name).is_some()) {
            None => Ok(()),
            Some(name) => Err(Unpriced(format!(
                "onchain_fee_msat is set aside for a fee that lightningd estimates, not for one of the guest's choice: leave {name} out"
            ))),
        }
    }

    /// What the invoice asks for, or what is given for one that has no amount.
    fn invoice(
        &self,
        params: &[&str],
        amount: &str,
        bolt12: Result<(), &'static str>,
    ) -> Result<u64, Unpriced> {
        let mut found = params.iter().filter_map(|param| self.get(param));
        let invoice = match (found.next(), found.next()) {
            (Some(invoice), None) => text_of(invoice),
            (None, _) => return Err(Unpriced(format!("{} is missing", params.join(" or ")))),
            (Some(_), Some(_)) => {
                return Err(Unpriced(format!("{} are both there", params.join(" and "))));
            }
        };
        let invoice = invoice
            .strip_prefix("lightning:")
            .or_else(|| invoice.strip_prefix("LIGHTNING:"))
            .unwrap_or(invoice);
        let asked = match (bolt11::decode(invoice), bolt12::decode(invoice)) {
            (Ok(b11), _) => b11.amount_msat,
            (Err(_), Ok(b12)) => {
                bolt12.map_err(unpriced)?;
                Some(b12.amount_msat)
            }
            (Err(why), Err(_)) => {
                return Err(Unpriced(format!(
                    "the amount of an invoice that cannot be read is not known ({why}): an offer or a name is fetched first (fetchinvoice), then its invoice is paid"
                )));
            }
        };
        match (asked, self.msat(amount)?) {
            (Some(asked), given) => Ok(asked.max(given.unwrap_or(0))),
            (None, Some(given)) => Ok(given),
            (None, None) => Err(Unpriced(format!(
                "the invoice has no amount, and {amount} is missing"
            ))),
        }
    }

    fn fee(&self, fee: Fee, amount: u64) -> Result<u64, Unpriced> {
        let maxfee = self.msat("maxfee")?;
        match fee {
            Fee::Within => Ok(0),
            Fee::MaxfeeOr1Percent => match maxfee {
                Some(maxfee) => Ok(maxfee),
                None => Ok(share(amount, 1_000_000)?.max(5000)),
            },
            Fee::MaxfeeOrPercent => {
                let percent = self.get("maxfeepercent").map(millionths).transpose()?;
                let exempt = self.msat("exemptfee")?;
                if percent.is_none() && exempt.is_none() {
                    return match maxfee {
                        Some(maxfee) => Ok(maxfee),
                        None => Ok(share(amount, 1_000_000)?.max(5000)),
                    };
                }
                // maxfee beside these is an error in lightningd; whichever is most is safe.
                Ok(share(amount, percent.unwrap_or(500_000))?
                    .max(exempt.unwrap_or(5000))
                    .max(maxfee.unwrap_or(0)))
            }
        }
    }
}

/// So many millionths of a percent of `amount`, rounded up.
fn share(amount: u64, millionths: u64) -> Result<u64, Unpriced> {
    let share = (u128::from(amount) * u128::from(millionths)).div_ceil(100_000_000);
    u64::try_from(share).map_err(|_| unpriced("its fee is above 2^64 msat"))
}

/// `0.5`, as a number or a string, in millionths.
fn millionths(json: &str) -> Result<u64, Unpriced> {
    let bad = || unpriced("maxfeepercent cannot be read");
    let text = text_of(json);
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 6 {
        return Err(bad());
    }
    format!("{whole}{decimals:0<6}").parse().map_err(|_| bad())
}

fn msat(name: &str, json: &str) -> Result<u64, Unpriced> {
    quantity::msat(text_of(json)).ok_or_else(|| Unpriced(format!("{name} is not an amount")))
}

fn sat(name: &str, json: &str) -> Result<u64, Unpriced> {
    if text_of(json) == "all" {
        return Err(Unpriced(format!(
            "{name} is \"all\", and how much that is is not known before: name an amount"
        )));
    }
    quantity::sat(text_of(json)).ok_or_else(|| Unpriced(format!("{name} is not an amount")))
}

fn no_lease(request_amt: Option<&str>) -> Result<(), Unpriced> {
    match request_amt {
        None | Some("null") => Ok(()),
        Some(_) => Err(unpriced(
            "what a lease (request_amt) costs is not known before",
        )),
    }
}

fn member_amount(json: &str, amounts: &[&str]) -> Result<u64, Unpriced> {
    let members = members(json)?;
    let mut most = None;
    for name in amounts {
        if let Some(json) = one(&members, name)? {
            most = most.max(Some(msat(name, json)?));
        }
    }
    most.ok_or_else(|| Unpriced(format!("{} is missing", amounts.join(" or "))))
}

/// The one member of this name.
fn one<'c>(members: &[(&'c str, &'c str)], wanted: &str) -> Result<Option<&'c str>, Unpriced> {
    let mut found = members.iter().filter(|(name, _)| *name == wanted);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Unpriced(format!("{wanted} is there twice"))),
        (found, None) => Ok(found.map(|(_, value)| *value)),
    }
}

fn items(json: &str) -> Result<Vec<&str>, Unpriced> {
    match serde_json::from_str(json) {
        Ok(Params::Array(items)) => Ok(items),
        _ => Err(unpriced("a list was expected")),
    }
}

fn members(json: &str) -> Result<Vec<(&str, &str)>, Unpriced> {
    match serde_json::from_str(json) {
        Ok(Params::Object(members)) => Ok(members),
        _ => Err(unpriced("an object was expected")),
    }
}

fn sum<const N: usize>(parts: [u64; N]) -> Result<u64, Unpriced> {
    parts
        .iter()
        .try_fold(0u64, |total, part| total.checked_add(*part))
        .ok_or_else(|| unpriced("it is above 2^64 msat"))
}

fn unpriced(why: &str) -> Unpriced {
    Unpriced(why.to_string())
}

/// What a finished call says it spent, in msat: `amount_sent_msat` of a payment
/// that is complete. None: it does not say, and what was set aside stays spent.
pub fn spent(method: &str, result: &RawValue) -> Option<u64> {
    if ![
        "pay",
        "xpay",
        "renepay",
        "keysend",
        "xkeysend",
        "sendamount",
    ]
    .contains(&method)
    {
        return None;
    }
    let Some(Params::Object(members)) = Params::read(result) else {
        return None;
    };
    let status = one(&members, "status").ok()?;
    // xpay has no status: it answers only what is complete.
    if status.is_some_and(|status| status != "\"complete\"") {
        return None;
    }
    quantity::msat(text_of(one(&members, "amount_sent_msat").ok()??))
}

/// Whether an error of lightningd means that nothing was sent: the request was
/// not understood (`common/jsonrpc_errors.h`). After any other error parts of a
/// payment may still be under way.
pub fn nothing_was_sent(code: i64) -> bool {
    (-32602..=-32600).contains(&code)
}
