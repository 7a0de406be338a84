//! The `failure_code` that v0.8.2 took from `htlc_accepted` and `invoice_payment`,
//! made into the failure message that lightningd takes now.

use crate::hook::Invalid;
use crate::primitives::{Amount, FailureMessage};

/// What some codes carry besides themselves.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HtlcFacts {
    pub(super) amount: Option<Amount>,
    pub(super) cltv_expiry: Option<u32>,
    pub(super) height: Option<u32>,
}

const BADONION: u16 = 0x8000;
const UPDATE: u16 = 0x1000;

/// The message with this code, its data filled in from the HTLC. Codes that BOLT 4 does
/// not know go out as they are: their data cannot be known either.
pub(super) fn message_of_code(code: u64, htlc: HtlcFacts) -> Result<FailureMessage, Invalid> {
    let wrong = |why: &str| Invalid::new(format!("failure_code is {code}: {why}"));
    let code = match u16::try_from(code) {
        Ok(0) => return Err(wrong("zero means no failure")),
        Ok(code) => code,
        Err(_) => return Err(wrong("a code has 16 bits")),
    };
    if code & BADONION != 0 {
        return Err(wrong(
            "it is for an onion that cannot be read, but this one was read",
        ));
    }
    let amount = || htlc.amount.ok_or_else(|| wrong("it needs the amount"));
    let cltv_expiry = || htlc.cltv_expiry.ok_or_else(|| wrong("it needs the expiry"));
    let height = || {
        htlc.height
            .ok_or_else(|| wrong("it needs the block height"))
    };
    Ok(match code {
        0x1007 => FailureMessage::temporary_channel_failure(),
        0x100b => FailureMessage::amount_below_minimum(amount()?),
        0x100c => FailureMessage::fee_insufficient(amount()?),
        0x100d => FailureMessage::incorrect_cltv_expiry(cltv_expiry()?),
        0x100e => FailureMessage::expiry_too_soon(),
        0x400f => FailureMessage::incorrect_or_unknown_payment_details(amount()?, height()?),
        0x0012 => FailureMessage::final_incorrect_cltv_expiry(cltv_expiry()?),
        0x0013 => FailureMessage::final_incorrect_htlc_amount(amount()?),
        0x1014 => FailureMessage::channel_disabled(),
        0x4016 => FailureMessage::invalid_onion_payload(0, 0),
        update if update & UPDATE != 0 => FailureMessage::new(update, &[&[0; 2]]),
        plain => FailureMessage::new(plain, &[]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTLC: HtlcFacts = HtlcFacts {
        amount: Some(Amount::from_msat(1000)),
        cltv_expiry: Some(130),
        height: Some(110),
    };

    #[test]
    fn data_is_filled_in() {
        for (code, hex) in [
            (0x2002, "2002"),
            (0x400f, "400f00000000000003e80000006e"),
            (0x1007, "10070000"),
            (0x100b, "100b00000000000003e80000"),
            (0x100c, "100c00000000000003e80000"),
            (0x100d, "100d000000820000"),
            (0x100e, "100e0000"),
            (0x1014, "101400000000"),
            (18, "001200000082"),
            (19, "001300000000000003e8"),
            (0x4016, "4016000000"),
            // Unknown; the one that the documentation of v0.8.2 has for an example.
            (4301, "10cd0000"),
            (0x4001, "4001"),
        ] {
            assert_eq!(message_of_code(code, HTLC).unwrap().to_hex(), hex);
        }
    }

    #[test]
    fn refuses() {
        for (code, htlc, reason) in [
            (0, HTLC, "zero means no failure"),
            (0x1_0000, HTLC, "16 bits"),
            (0xc005, HTLC, "was read"),
            (0x400f, HtlcFacts::default(), "needs the amount"),
            (18, HtlcFacts::default(), "needs the expiry"),
        ] {
            let refused = message_of_code(code, htlc).unwrap_err();
            assert!(refused.0.contains(reason), "{refused}");
        }
    }
}
