use super::*;

const FIXTURE: &str = include_str!("../../../tests/fixtures/openchannel2.jsonl");
const PSBT: &str = "cHNidP8B";

fn rates() -> LeaseRates {
    LeaseRates {
        lease_fee_base_msat: Amount::from_msat(2000),
        lease_fee_basis: 65,
        channel_fee_max_base_msat: Amount::from_msat(100_000),
        channel_fee_max_proportional_thousandths: 3,
        funding_weight: 666,
    }
}

#[test]
fn reads_a_payload_of_v26_06() {
    let payload: OpenChannel2Payload = serde_json::from_str(FIXTURE).unwrap();
    let offer = payload.openchannel2;
    assert!(!offer.require_confirmed_inputs);
    assert_eq!(offer.requested_lease_msat, None);
    assert_eq!(offer.channel_type.unwrap().names[1], "anchors/even");
}

#[test]
fn writes_actions() {
    for (action, json) in [
        (OpenChannel2Action::accept(), r#"{"result":"continue"}"#),
        (
            OpenChannel2Action::accept()
                .fund(PSBT.parse().unwrap(), Amount::from_msat(1000))
                .close_to("addr"),
            r#"{"result":"continue","psbt":"cHNidP8B","our_funding_msat":1000,"close_to":"addr"}"#,
        ),
        (
            OpenChannel2Action::accept().lease_rates(rates()),
            r#"{"result":"continue","lease_fee_base_msat":2000,"lease_fee_basis":65,"channel_fee_max_base_msat":100000,"channel_fee_max_proportional_thousandths":3,"funding_weight":666}"#,
        ),
        (OpenChannel2Action::reject(), r#"{"result":"reject"}"#),
        (
            OpenChannel2Action::reject_with("no")
                .fund(PSBT.parse().unwrap(), Amount::from_msat(1000)),
            r#"{"result":"reject","error_message":"no"}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&action).unwrap(), json);
    }
}

#[cfg(feature = "host")]
mod chain {
    use super::*;
    use crate::hook::{Flow, Stance};
    use crate::hooks::testing::{
        fallen_back, finished, finished_json, psbts, refusals, regtest, run, unwritable_psbts,
    };
    use serde_json::{Value, json};

    const PLAIN: &str = r#"{"result":"continue"}"#;
    const REJECT: &str = r#"{"result":"reject"}"#;
    const ADDRESS: &str = "bcrt1qs758ursh4q9z627kt3pp5yysm78ddny6txaqgw";

    fn json(action: &OpenChannel2Action) -> String {
        serde_json::to_string(action).unwrap()
    }

    fn fund(psbt: &str, msat: u64) -> OpenChannel2Action {
        OpenChannel2Action::accept().fund(psbt.parse().unwrap(), Amount::from_msat(msat))
    }

    #[test]
    fn every_action_comes_out_as_it_went_in() {
        let [changed, _] = psbts();
        for action in [
            OpenChannel2Action::accept(),
            fund(&changed, 1000).close_to(ADDRESS).lease_rates(rates()),
            OpenChannel2Action::reject(),
            OpenChannel2Action::reject_with("\u{1}"),
        ] {
            let text = json(&action);
            let expected: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(finished_json(&SPEC, FIXTURE, &[&text]), expected);
        }
    }

    // lightningd would let the plain continue erase what the first contributed.
    #[test]
    fn a_plain_continue_erases_nothing() {
        let [one, other] = psbts();
        let first = json(&fund(&one, 5000).close_to(ADDRESS).lease_rates(rates()));
        assert_eq!(
            finished_json(
                &SPEC,
                FIXTURE,
                &[
                    PLAIN,
                    &first,
                    PLAIN,
                    r#"{"result":"continue","our_funding_msat":0}"#
                ]
            ),
            serde_json::from_str::<Value>(&first).unwrap()
        );
        // A later contribution takes the place of an earlier one, and leaves the rest.
        let mut expected: Value = serde_json::from_str(&first).unwrap();
        expected["psbt"] = other.as_str().into();
        expected["our_funding_msat"] = 7000.into();
        assert_eq!(
            finished_json(&SPEC, FIXTURE, &[&first, &json(&fund(&other, 7000))]),
            expected
        );
    }

    #[test]
    fn the_first_reject_ends_the_chain() {
        let [one, _] = psbts();
        assert_eq!(
            run(&SPEC, FIXTURE, &[&json(&fund(&one, 5000)), REJECT, PLAIN]),
            (REJECT.into(), 2)
        );
        assert_eq!(finished(&SPEC, FIXTURE, &[]), PLAIN);
    }

    #[test]
    fn what_lightningd_drops_is_noted() {
        let mut chain = (SPEC.begin)(FIXTURE.into(), &regtest());
        chain
            .answer(&json(&OpenChannel2Action::accept().close_to(ADDRESS)))
            .unwrap();
        let other = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
        let taken = chain
            .answer(&format!(
                r#"{{"result":"continue","close_to":"{other}","lease_fee_basis":1,"lease_fee_base_msat":0}}"#
            ))
            .unwrap();
        assert_eq!(
            taken.ignored.unwrap(),
            "ignored: the lease rates, because there is no channel_fee_max_base_msat; \
             close_to, already set by an earlier plugin"
        );
        assert_eq!(
            serde_json::from_str::<Value>(&chain.finish()).unwrap(),
            json!({"result": "continue", "close_to": ADDRESS})
        );
    }

    #[test]
    fn what_a_later_plugin_replaces_is_noted() {
        let [one, other] = psbts();
        let both = fund(&one, 5000).lease_rates(rates());
        let lease = OpenChannel2Action::accept().lease_rates(rates());
        let mut chain = (SPEC.begin)(FIXTURE.into(), &regtest());
        for (answer, ignored) in [
            (&both, None),
            (&OpenChannel2Action::accept().close_to(ADDRESS), None),
            (
                &fund(&other, 7000),
                Some("ignored: the contribution of an earlier plugin"),
            ),
            (
                &lease,
                Some("ignored: the lease rates of an earlier plugin"),
            ),
            (
                &both,
                Some(
                    "ignored: the contribution of an earlier plugin; \
                     the lease rates of an earlier plugin",
                ),
            ),
        ] {
            let taken = chain.answer(&json(answer)).unwrap();
            assert_eq!(taken.ignored.as_deref(), ignored, "{answer:?}");
        }
    }

    #[test]
    fn refuses() {
        let [one, _] = psbts();
        let with = |more: &str| format!(r#"{{"result":"continue",{more}}}"#);
        let reject = |more: &str| format!(r#"{{"result":"reject",{more}}}"#);
        let lease = |name: &str, value: u64| {
            let mut answer: Value =
                serde_json::from_str(&json(&OpenChannel2Action::accept().lease_rates(rates())))
                    .unwrap();
            answer[name] = value.into();
            answer.to_string()
        };
        refusals(
            &SPEC,
            FIXTURE,
            &[
                ("{}", "no member result"),
                (r#"{"result":"fail"}"#, "not continue or reject"),
                (
                    &reject(&format!(r#""close_to":"{ADDRESS}""#)),
                    "a reject has no close_to",
                ),
                (
                    &reject(&format!(r#""psbt":"{one}""#)),
                    "a reject has no psbt",
                ),
                (
                    &reject(r#""our_funding_msat":0"#),
                    "a reject has no our_funding_msat",
                ),
                (
                    &with(&format!(r#""psbt":"{one}""#)),
                    "psbt needs our_funding_msat",
                ),
                (
                    &with(&format!(r#""psbt":"{one}","our_funding_msat":999"#)),
                    "psbt needs our_funding_msat of at least one satoshi",
                ),
                (
                    &with(&format!(
                        r#""psbt":"{one}","our_funding_msat":18446744073709551615"#
                    )),
                    "21 million",
                ),
                (&with(r#""our_funding_msat":1000"#), "but there is no psbt"),
                (&with(r#""our_funding_msat":-1"#), "our_funding_msat is -1"),
                (
                    &with(r#""psbt":"","our_funding_msat":1000"#),
                    "psbt is wrong",
                ),
                (
                    &with(r#""psbt":"cHNidP8B","our_funding_msat":1000"#),
                    "psbt is wrong: it is cut",
                ),
                (
                    &with(r#""psbt":7,"our_funding_msat":1000"#),
                    "psbt is 7, not a string",
                ),
                (&with(r#""close_to":"me""#), "close_to me is not an address"),
                (&lease("lease_fee_basis", 65536), "lease_fee_basis is 65536"),
                (&lease("lease_fee_base_msat", 1), "32 bits of whole sat"),
                (
                    &lease("lease_fee_base_msat", 4294967296000),
                    "32 bits of whole sat",
                ),
                (
                    &lease("channel_fee_max_base_msat", 4294967296),
                    "32 bits of whole msat",
                ),
            ],
        );
    }

    // psbt_get_bytes
    #[test]
    fn refuses_what_lightningd_cannot_write() {
        for (psbt, reason) in unwritable_psbts() {
            let answer = json!({"result": "continue", "psbt": psbt, "our_funding_msat": 1000});
            refusals(&SPEC, FIXTURE, &[(&answer.to_string(), reason)]);
        }
    }

    #[test]
    fn falls_back() {
        assert_eq!(SPEC.stance, Stance::Closed);
        assert_eq!(
            fallen_back(&SPEC, FIXTURE, Stance::Open),
            (PLAIN.into(), Flow::Next)
        );
        assert_eq!(
            fallen_back(&SPEC, FIXTURE, Stance::Closed),
            (REJECT.into(), Flow::Done)
        );
        let [one, _] = psbts();
        let mut chain = (SPEC.begin)(FIXTURE.into(), &regtest());
        chain.answer(&json(&fund(&one, 5000))).unwrap();
        chain.fallback(Stance::Open);
        assert!(chain.finish().contains("our_funding_msat"));
    }
}
