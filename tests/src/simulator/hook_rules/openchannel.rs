//! `openchannel` (`lightningd/opening_control.c`).

use super::{Fold, Judged, Step};
use crate::simulator::json::Json;
use crate::simulator::values::{regtest_address, sat, to_u64};
use serde_json::json;

pub(super) fn answer(fold: &mut Fold, result: Json<'_>) -> Judged {
    let close_to = result.get("close_to");
    match result.get("result") {
        None => return fold.invalid(result),
        Some(word) if word.is_str("reject") => {
            if close_to.is_some() {
                return Err("Plugin rejected openchannel but also set close_to".to_owned());
            }
            let message = result.get("error_message").map_or("", |m| m.text());
            fold.ends_with(json!({"result": "reject", "error_message": message}));
            return Ok(Step::End);
        }
        Some(word) if word.is_str("continue") => {}
        Some(word) => {
            return Err(format!(
                "Plugin returned an invalid result for the openchannel hook: {word}"
            ));
        }
    }
    if let Some(close_to) = close_to {
        if fold.is_set("close_to") {
            fold.remarks.push((
                "broken",
                "openchannel hook close_to address was already set by other plugin. Ignoring!"
                    .to_owned(),
            ));
            // lightningd does not read the rest of this answer.
            return Ok(Step::Next);
        }
        if let Err(why) = regtest_address(close_to.text()) {
            return Err(format!(
                "Plugin returned an invalid response to the openchannel.close_to hook: {close_to}: {why}"
            ));
        }
        fold.set("close_to", close_to.text());
    }
    // What cannot be read here is not an error, and not used: lightningd goes on with whatever number
    // was there before, which for a reserve is none at all.
    if let Some(depth) = result.get("mindepth") {
        match to_u64(depth.text()).and_then(|n| u32::try_from(n).ok()) {
            Some(depth) => fold.set("mindepth", depth),
            None => fold
                .remarks
                .push(("broken", format!("unreadable mindepth {depth}"))),
        }
    }
    if let Some(reserve) = result.get("reserve") {
        match sat(reserve.text()) {
            Some(sats) => fold.set("reserve", sats),
            None => {
                return Err(format!(
                    "unreadable reserve {reserve}: lightningd would go on with an amount it never set"
                ));
            }
        }
    }
    Ok(Step::Next)
}

#[cfg(test)]
mod tests {
    use super::super::tests::fold;
    use serde_json::json;

    const OURS: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
    const THEIRS: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

    #[test]
    fn first_close_to_is_kept_last_numbers_win() {
        let out = fold(
            "openchannel",
            json!({}),
            &[
                json!({"result": "continue", "close_to": OURS, "mindepth": 2, "reserve": "1000sat"}),
                json!({"result": "continue", "mindepth": 3, "reserve": 5000}),
                json!({"result": "continue", "close_to": "anything", "mindepth": 9}),
            ],
        );
        let expected =
            json!({"result": "continue", "close_to": OURS, "mindepth": 3, "reserve": 5000});
        assert_eq!(out, Ok(expected));
    }

    #[test]
    fn bad_answers_are_fatal() {
        for answer in [
            json!({"result": "reject", "close_to": OURS}),
            json!({"result": "continue", "close_to": THEIRS}),
            json!({"result": "continue", "close_to": ""}),
            json!({"result": "continue", "reserve": "much"}),
        ] {
            assert!(
                fold("openchannel", json!({}), std::slice::from_ref(&answer)).is_err(),
                "{answer}"
            );
        }
    }
}
