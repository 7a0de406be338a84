//! `openchannel2`, `openchannel2_changed`, `openchannel2_sign` and `rbf_channel`
//! (`lightningd/dual_open_control.c`).

use super::psbt::Psbt;
use super::{Fold, Judged, Step};
use crate::simulator::json::{Doc, Json};
use crate::simulator::values::{msat, regtest_address, to_u64};
use serde_json::json;

const UNABLE: &str = "Client error. Unable to continue";
const LEASE: [&str; 5] = [
    "lease_fee_base_msat",
    "lease_fee_basis",
    "channel_fee_max_base_msat",
    "channel_fee_max_proportional_thousandths",
    "funding_weight",
];

fn fail_open(fold: &mut Fold, message: &str) -> Judged {
    fold.ends_with(json!({"result": "reject", "error_message": message}));
    Ok(Step::End)
}

pub(super) fn openchannel2(fold: &mut Fold, result: Json<'_>) -> Judged {
    if let Some(judged) = rejected(fold, result, &["close_to", "psbt", "our_funding_msat"]) {
        return judged;
    }
    let close_to = result.get("close_to");
    if let Some(close_to) = close_to
        && let Err(why) = regtest_address(close_to.text())
    {
        return Err(format!(
            "Plugin returned an invalid response to the openchannel2.close_to hook: {close_to}: {why}"
        ));
    }
    match close_to {
        Some(_) if fold.is_set("close_to") => fold.remarks.push((
            "broken",
            "openchannel2 hook close_to address was already set by other plugin. Ignoring!"
                .to_owned(),
        )),
        Some(close_to) => fold.set("close_to", close_to.text()),
        // A later plugin that names none takes back an earlier plugin's.
        None => {
            fold.effect.remove("close_to");
        }
    }
    lease_rates(fold, result)?;
    contribution(fold, result)
}

pub(super) fn rbf_channel(fold: &mut Fold, result: Json<'_>) -> Judged {
    match rejected(fold, result, &["psbt", "our_funding_msat"]) {
        Some(judged) => judged,
        None => contribution(fold, result),
    }
}

pub(super) fn changed(fold: &mut Fold, result: Json<'_>) -> Judged {
    let Some(text) = required_psbt(fold, result)? else {
        return fail_open(fold, UNABLE);
    };
    Psbt::parse(text)?.has_required_fields(true)?;
    show(fold, text);
    Ok(Step::Next)
}

pub(super) fn sign(fold: &mut Fold, result: Json<'_>) -> Judged {
    let Some(text) = required_psbt(fold, result)? else {
        return fail_open(fold, UNABLE);
    };
    let psbt = Psbt::parse(text)?;
    psbt.has_required_fields(false)?;
    let original = Doc::parse(fold.payload())
        .and_then(|doc| Some(doc.get("openchannel2_sign")?.get("psbt")?.text().to_owned()));
    if let Some(original) = original
        && !psbt.same_contributions(&Psbt::parse(&original)?)
    {
        return Err("Plugin must not change psbt input/output set".to_owned());
    }
    show(fold, text);
    Ok(Step::Next)
}

/// The psbt as the next plugin, and in the end lightningd, gets it.
fn show(fold: &mut Fold, psbt: &str) {
    let shown = Doc::parse(fold.payload())
        .and_then(|doc| Some(doc.get(fold.hook())?.get("psbt")?.text().to_owned()));
    if let Some(shown) = shown {
        fold.payload = fold.payload.replace(&shown, psbt);
    }
    fold.set("psbt", psbt);
}

/// Handles what is not continue; `None` when it is.
fn rejected(fold: &mut Fold, result: Json<'_>, forbidden: &[&str]) -> Option<Judged> {
    match result.get("result") {
        Some(word) if word.is_str("continue") => None,
        Some(word) if word.is_str("reject") => {
            if let Some(field) = forbidden.iter().find(|f| result.get(f).is_some()) {
                return Some(Err(format!(
                    "Plugin rejected {} but also set `{field}`",
                    fold.hook()
                )));
            }
            let message = result.get("error_message").map_or("", |m| m.text());
            Some(fail_open(fold, message))
        }
        _ => Some(fold.invalid(result)),
    }
}

/// The psbt of a continue; `None` when the answer is not continue.
fn required_psbt<'a>(fold: &Fold, result: Json<'a>) -> Result<Option<&'a str>, String> {
    match result.get("result") {
        None => Err(format!("Plugin must return a 'result' to {}", fold.hook())),
        Some(word) if !word.is_str("continue") => Ok(None),
        Some(_) => match result.get("psbt") {
            Some(psbt) => Ok(Some(psbt.text())),
            None => Err(format!(
                "Plugin must return a 'psbt' to a 'continue'd {}",
                fold.hook()
            )),
        },
    }
}

/// psbt and our_funding_msat: every answer overwrites what was there before.
fn contribution(fold: &mut Fold, result: Json<'_>) -> Judged {
    fold.effect.remove("psbt");
    fold.effect.remove("our_funding_msat");
    let psbt = result.get("psbt");
    if let Some(psbt) = psbt {
        Psbt::parse(psbt.text())?.has_required_fields(true)?;
        fold.set("psbt", psbt.text());
    }
    // lightningd rounds down to whole satoshis.
    let sats = match result.get("our_funding_msat") {
        None => 0,
        Some(amount) => match msat(amount.text()) {
            Some(amount) => amount / 1000,
            None => {
                return Err(format!(
                    "Plugin must return a valid 'our_funding_msat' to a 'continue'd {}: {amount}",
                    fold.hook()
                ));
            }
        },
    };
    match (psbt, sats) {
        (Some(_), 0) => Err("Plugin failed to supply our_funding_msat field".to_owned()),
        (Some(_), sats) => {
            fold.set("our_funding_msat", sats.saturating_mul(1000));
            Ok(Step::Next)
        }
        (None, 0) => Ok(Step::Next),
        (None, _) => {
            if fold.hook() == "rbf_channel" {
                fold.remarks.push((
                    "broken",
                    "`our_funding_msat` returned but no `psbt` present.".to_owned(),
                ));
            }
            fail_open(fold, UNABLE)
        }
    }
}

/// The lease fields count only together, and every answer overwrites them.
fn lease_rates(fold: &mut Fold, result: Json<'_>) -> Result<(), String> {
    for field in LEASE {
        fold.effect.remove(field);
    }
    let mut numbers = Vec::new();
    for field in LEASE {
        let Some(value) = result.get(field) else {
            return Ok(());
        };
        let number = match field.ends_with("_msat") {
            true => msat(value.text()),
            false => to_u64(value.text()).filter(|n| *n <= u64::from(u16::MAX)),
        };
        match number {
            Some(number) => numbers.push((field, number)),
            None => return Ok(()),
        }
    }
    for (field, number) in &numbers {
        let fits = match *field {
            "lease_fee_base_msat" => number % 1000 == 0 && *number / 1000 <= u64::from(u32::MAX),
            "channel_fee_max_base_msat" => *number <= u64::from(u32::MAX),
            _ => true,
        };
        if !fits {
            return Err(format!("Plugin sent overflowing/non-sat `{field}`"));
        }
    }
    for (field, number) in numbers {
        fold.set(field, number);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::psbt::tests::{TX, psbt_with};
    use super::super::tests::fold;
    use serde_json::json;

    #[test]
    fn continue_without_a_psbt_is_fatal_where_one_is_required() {
        let bare = json!({"result": "continue"});
        for hook in ["openchannel2_changed", "openchannel2_sign"] {
            assert!(fold(hook, json!({}), std::slice::from_ref(&bare)).is_err());
        }
        for hook in ["openchannel2", "rbf_channel"] {
            assert_eq!(
                fold(hook, json!({}), std::slice::from_ref(&bare)),
                Ok(bare.clone())
            );
        }
    }

    #[test]
    fn a_later_continue_takes_back_an_earlier_contribution() {
        let psbt = psbt_with(&[TX]);
        let contribution =
            json!({"result": "continue", "psbt": psbt, "our_funding_msat": 1_000_500});
        let bare = json!({"result": "continue"});
        assert_eq!(
            fold(
                "openchannel2",
                json!({}),
                std::slice::from_ref(&contribution)
            ),
            Ok(json!({"result": "continue", "psbt": psbt, "our_funding_msat": 1_000_000}))
        );
        assert_eq!(
            fold("openchannel2", json!({}), &[contribution, bare.clone()]),
            Ok(bare)
        );
    }

    #[test]
    fn bad_contributions() {
        let psbt = psbt_with(&[TX]);
        for answer in [
            json!({"result": "continue", "psbt": psbt}),
            json!({"result": "continue", "psbt": "cHNidP8="}),
            json!({"result": "continue", "psbt": "!", "our_funding_msat": 1000}),
            json!({"result": "continue", "our_funding_msat": "much"}),
            json!({"result": "reject", "psbt": psbt}),
        ] {
            assert!(
                fold("rbf_channel", json!({}), std::slice::from_ref(&answer)).is_err(),
                "{answer}"
            );
        }
        let without = json!({"result": "continue", "our_funding_msat": 1000});
        let out = fold("openchannel2", json!({}), &[without]).unwrap();
        assert_eq!(out["result"], "reject");
    }

    #[test]
    fn signing_must_keep_inputs_and_outputs() {
        let (one, two) = (psbt_with(&[TX]), psbt_with(&[TX, TX]));
        let payload = json!({"openchannel2_sign": {"psbt": one}});
        let answer = |psbt: &str| json!({"result": "continue", "psbt": psbt});
        assert!(fold("openchannel2_sign", payload.clone(), &[answer(&one)]).is_ok());
        assert!(fold("openchannel2_sign", payload, &[answer(&two)]).is_err());
    }
}
