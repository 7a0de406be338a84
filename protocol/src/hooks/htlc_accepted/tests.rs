use super::*;
use serde_json::{Value, json};

const FIXTURES: &str = include_str!("../../../tests/fixtures/htlc_accepted.jsonl");

fn fixture(n: usize) -> &'static str {
    FIXTURES.lines().nth(n).expect("a fixture")
}

#[test]
fn reads_payloads_of_v26_06() {
    let [forward, last, undecoded] =
        [0, 1, 2].map(|n| serde_json::from_str::<HtlcAcceptedPayload>(fixture(n)).unwrap());

    let onion = &forward.onion;
    assert_eq!(onion.short_channel_id.unwrap().to_string(), "104x1x0");
    assert_eq!(onion.forward_msat, Some(Amount::from_msat(2000)));
    assert_eq!(onion.outgoing_cltv_value, Some(120));
    assert_eq!(onion.tlvs().unwrap().get(4), Some(&[120][..]));
    assert!(forward.forward_to.is_some() && forward.peer_id.is_some());
    assert_eq!(forward.htlc.cltv_expiry_relative, 17);
    assert_eq!(forward.htlc.amount_msat, Amount::from_msat(2001));

    assert_eq!(last.onion.short_channel_id, None);
    assert_eq!(last.onion.total_msat, Some(Amount::from_msat(5000)));
    assert!(last.onion.payment_secret.is_some());
    assert_eq!(last.forward_to, None);

    assert_eq!(undecoded.onion.typ, None);
    assert_eq!(undecoded.onion.forward_msat, None);
}

#[test]
fn writes_actions() {
    let tlvs = TlvStream::new().with(2, [7, 208]);
    for (action, json) in [
        (
            HtlcAcceptedAction::pass(),
            r#"{"result":"continue"}"#.to_owned(),
        ),
        (
            HtlcAcceptedAction::pass()
                .with_payload(tlvs.clone())
                .forward_to(ChannelId::from_bytes([1; 32]))
                .with_extra_tlvs(TlvStream::new().with(1, []))
                .with_invoice_msat(Amount::from_msat(5)),
            format!(
                r#"{{"result":"continue","payload":"020207d0","forward_to":"{}","extra_tlvs":"0100","invoice_msat":5}}"#,
                "01".repeat(32)
            ),
        ),
        (
            HtlcAcceptedAction::fail(FailureMessage::temporary_node_failure()),
            r#"{"result":"fail","failure_message":"2002"}"#.to_owned(),
        ),
        (
            HtlcAcceptedAction::fail_onion([1, 2]),
            r#"{"result":"fail","failure_onion":"0102"}"#.to_owned(),
        ),
        (
            HtlcAcceptedAction::resolve(Preimage::from_bytes([0; 32])),
            format!(
                r#"{{"result":"resolve","payment_key":"{}"}}"#,
                "00".repeat(32)
            ),
        ),
    ] {
        assert_eq!(serde_json::to_string(&action).unwrap(), json);
    }
}

#[cfg(feature = "host")]
mod chain {
    use super::*;
    use crate::hook::{Flow, Stance};
    use crate::hooks::testing::{fallen_back, finished, finished_json, refusals, run};
    use serde_json::{Value, json};

    const PLAIN: &str = r#"{"result":"continue"}"#;
    const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    /// A payload whose hash is that of a preimage of zeros.
    fn payable() -> String {
        let mut payload: Value = serde_json::from_str(fixture(1)).unwrap();
        payload["htlc"]["payment_hash"] =
            "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925".into();
        payload.to_string()
    }

    #[test]
    fn every_action_is_taken_and_comes_out_as_it_went_in() {
        let payload = payable();
        for action in [
            HtlcAcceptedAction::pass(),
            HtlcAcceptedAction::pass()
                .with_payload(TlvStream::new())
                .forward_to(ChannelId::from_bytes([1; 32]))
                .with_extra_tlvs(TlvStream::new().with(65537, [1]))
                .with_invoice_msat(Amount::from_msat(u64::MAX)),
            HtlcAcceptedAction::fail(FailureMessage::mpp_timeout()),
            HtlcAcceptedAction::fail_onion([0; 292]),
            HtlcAcceptedAction::resolve(Preimage::from_bytes([0; 32])),
            HtlcAcceptedAction::resolve(Preimage::from_bytes([0; 32]))
                .with_payload(TlvStream::new().with(2, [1])),
        ] {
            let text = serde_json::to_string(&action).unwrap();
            let expected: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(finished_json(&SPEC, &payload, &[&text]), expected);
        }
    }

    #[test]
    fn nobody_changes_nothing() {
        assert_eq!(finished(&SPEC, "not even JSON", &[]), PLAIN);
        assert_eq!(
            run(&SPEC, "", &[PLAIN, PLAIN, " {\"result\":\"continue\"}\n"]),
            (PLAIN.into(), 3)
        );
        let chain = (SPEC.begin)("original".into(), &Default::default());
        assert_eq!(&*chain.payload(), "original");
    }

    #[test]
    fn the_first_verdict_ends_the_chain() {
        let fail = r#"{"result":"fail","failure_message":"2002"}"#;
        let resolve = &format!(r#"{{"result":"resolve","payment_key":"{ZEROS}"}}"#);
        let (answer, asked) = run(&SPEC, &payable(), &[PLAIN, fail, resolve]);
        assert_eq!(asked, 2);
        assert_eq!(answer, r#"{"failure_message":"2002","result":"fail"}"#);
        let (answer, asked) = run(&SPEC, &payable(), &[resolve, fail]);
        assert_eq!(asked, 1);
        assert_eq!(
            serde_json::from_str::<Value>(&answer).unwrap(),
            json!({"result": "resolve", "payment_key": ZEROS})
        );
    }

    // htlc_accepted_hook_deserialize replaces each of the four on its own, so the last
    // writer of each wins, also one that then fails the HTLC.
    #[test]
    fn rewrites_add_up() {
        let channel = "ab".repeat(32);
        assert_eq!(
            finished_json(
                &SPEC,
                fixture(0),
                &[
                    r#"{"result":"continue","payload":"0203010000","invoice_msat":"5msat"}"#,
                    &format!(r#"{{"result":"continue","forward_to":"{channel}"}}"#),
                    r#"{"result":"continue","payload":"020101","extra_tlvs":"0100"}"#,
                    PLAIN,
                ],
            ),
            json!({"result": "continue", "payload": "020101", "invoice_msat": 5,
                   "forward_to": channel, "extra_tlvs": "0100"})
        );
        assert_eq!(
            finished_json(
                &SPEC,
                fixture(0),
                &[
                    r#"{"result":"continue","extra_tlvs":"0100"}"#,
                    r#"{"result":"fail","failure_message":"2002","payload":"00"}"#,
                ],
            ),
            json!({"result": "fail", "failure_message": "2002", "payload": "00",
                   "extra_tlvs": "0100"})
        );
    }

    fn shown_after(payload: &str, answers: &[&str]) -> Value {
        let mut chain = (SPEC.begin)(payload.into(), &Default::default());
        for answer in answers {
            chain.answer(answer).unwrap();
        }
        serde_json::from_str(&chain.payload()).unwrap()
    }

    // htlc_accepted_hook_serialize writes every call anew from what the last left.
    #[test]
    fn the_next_guest_sees_what_was_rewritten() {
        let mut expected: Value = serde_json::from_str(fixture(0)).unwrap();
        let channel = "ab".repeat(32);
        let seen = shown_after(
            fixture(0),
            &[&format!(
                r#"{{"result":"continue","payload":"020103040104060800000a0000010001","forward_to":"{channel}",
                    "extra_tlvs":"0101ff","invoice_msat":7}}"#
            )],
        );
        expected["onion"]["payload"] = "10020103040104060800000a0000010001".into();
        expected["onion"]["short_channel_id"] = "10x1x1".into();
        expected["onion"]["forward_msat"] = 3.into();
        expected["onion"]["outgoing_cltv_value"] = 4.into();
        expected["forward_to"] = channel.into();
        expected["htlc"]["extra_tlvs"] = "0101ff".into();
        assert_eq!(seen, expected);
    }

    #[test]
    fn fields_that_cannot_be_decoded_vanish() {
        let seen = shown_after(fixture(1), &[r#"{"result":"continue","payload":"00"}"#]);
        let onion = seen["onion"].as_object().unwrap();
        let names: Vec<_> = onion.keys().collect();
        assert_eq!(names, ["next_onion", "payload", "shared_secret"]);
        assert_eq!(onion["payload"], "0100");
        // And come back.
        let back = shown_after(
            fixture(1),
            &[
                r#"{"result":"continue","payload":"00"}"#,
                r#"{"result":"continue","payload":"0202138804017708\u0032\u0032ecd960a0ce723e479942e7804db012ef46a7a7e737389439a9eb0a984c27b4cc1388"}"#,
            ],
        );
        assert_eq!(back, serde_json::from_str::<Value>(fixture(1)).unwrap());
    }

    #[test]
    fn long_payloads_get_a_long_prefix() {
        let long = format!("01fd012c{}", "ff".repeat(300));
        let seen = shown_after(
            fixture(0),
            &[&format!(r#"{{"result":"continue","payload":"{long}"}}"#)],
        );
        assert_eq!(seen["onion"]["payload"], format!("fd0130{long}"));
    }

    #[test]
    fn an_invoice_msat_is_not_shown() {
        let seen = shown_after(fixture(0), &[r#"{"result":"continue","invoice_msat":7}"#]);
        assert_eq!(seen, serde_json::from_str::<Value>(fixture(0)).unwrap());
    }

    // A lightningd that changed its payload must not make answers fail.
    #[test]
    fn a_strange_payload_is_only_not_rewritten() {
        for payload in ["{}", "[]", "7", "", r#"{"onion":{},"htlc":7}"#] {
            let answer = format!(
                r#"{{"result":"continue","payload":"00","extra_tlvs":"","forward_to":"{ZEROS}"}}"#
            );
            let mut chain = (SPEC.begin)(payload.into(), &Default::default());
            assert!(chain.answer(&answer).is_ok());
            assert_eq!(&*chain.payload(), payload);
            assert_eq!(
                serde_json::from_str::<Value>(&chain.finish()).unwrap(),
                serde_json::from_str::<Value>(&answer).unwrap()
            );
            let key = format!(r#"{{"result":"resolve","payment_key":"{ZEROS}"}}"#);
            assert_eq!(run(&SPEC, payload, &[&key]).1, 1);
        }
    }

    #[test]
    fn an_onion_beats_a_message() {
        let mut chain = (SPEC.begin)(fixture(0).into(), &Default::default());
        let taken = chain
            .answer(r#"{"result":"fail","failure_onion":"ff","failure_message":"2002"}"#)
            .unwrap();
        assert_eq!(taken.flow, Flow::Done);
        assert!(
            taken
                .ignored
                .unwrap()
                .starts_with("failure_message was ignored")
        );
        assert_eq!(chain.finish(), r#"{"failure_onion":"ff","result":"fail"}"#);
    }

    #[test]
    fn failure_codes_of_v0_8_2() {
        for (code, message) in [
            ("8194", "2002"),
            ("4301", "10cd0000"),
            // fixture(1): 5000 msat, expiry 119, ten blocks from now.
            ("16399", "400f00000000000013880000006d"),
            ("18", "001200000077"),
        ] {
            assert_eq!(
                finished_json(
                    &SPEC,
                    fixture(1),
                    &[&format!(r#"{{"result":"fail","failure_code":{code}}}"#)]
                ),
                json!({"result": "fail", "failure_message": message})
            );
        }
    }

    #[test]
    fn refuses() {
        let odd_onion = format!(
            r#"{{"result":"fail","failure_onion":"{}"}}"#,
            "00".repeat(65492)
        );
        let long = format!(
            r#"{{"result":"fail","failure_message":"{}"}}"#,
            "20".repeat(257)
        );
        let resolve = |key: &str| format!(r#"{{"result":"resolve","payment_key":"{key}"}}"#);
        refusals(
            &SPEC,
            fixture(0),
            &[
                ("", "not JSON"),
                ("[]", "not an object"),
                ("{}", "no member result"),
                (
                    r#"{"result":"reject"}"#,
                    "result is \"reject\", not continue, fail or resolve",
                ),
                (r#"{"result":null}"#, "result is null"),
                (
                    r#"{"result":"continue","payload":"0"}"#,
                    "payload is wrong: not hex",
                ),
                (r#"{"result":"continue","payload":null}"#, "payload is null"),
                (
                    r#"{"result":"continue","payload":"zz"}"#,
                    "payload is wrong: not hex",
                ),
                (
                    r#"{"result":"continue","forward_to":"00"}"#,
                    "forward_to is wrong: not 64",
                ),
                (
                    r#"{"result":"continue","extra_tlvs":"0200"}"#,
                    "extra_tlvs is wrong: TLV type 2",
                ),
                (
                    r#"{"result":"continue","extra_tlvs":"03000100"}"#,
                    "out of order",
                ),
                (r#"{"result":"continue","extra_tlvs":"01ff"}"#, "cut short"),
                (
                    r#"{"result":"continue","invoice_msat":-1}"#,
                    "invoice_msat is -1",
                ),
                (
                    r#"{"result":"continue","invoice_msat":"1btc"}"#,
                    "invoice_msat is wrong",
                ),
                (
                    r#"{"result":"fail"}"#,
                    "needs failure_message or failure_onion",
                ),
                (
                    r#"{"result":"fail","failure_message":""}"#,
                    "2 to 256 bytes, not 0",
                ),
                (r#"{"result":"fail","failure_message":"20"}"#, "not 1"),
                (r#"{"result":"fail","failure_message":"200"}"#, "not hex"),
                (
                    r#"{"result":"fail","failure_message":8194}"#,
                    "failure_message is 8194",
                ),
                (&long, "2 to 256 bytes, not 257"),
                (
                    r#"{"result":"fail","failure_onion":""}"#,
                    "failure_onion has 0 bytes",
                ),
                (
                    r#"{"result":"fail","failure_onion":"x"}"#,
                    "failure_onion is wrong",
                ),
                (&odd_onion, "failure_onion has 65492 bytes"),
                (
                    r#"{"result":"fail","failure_code":0}"#,
                    "zero means no failure",
                ),
                (
                    r#"{"result":"fail","failure_code":49157}"#,
                    "cannot be read",
                ),
                (r#"{"result":"resolve"}"#, "needs payment_key"),
                (&resolve(""), "payment_key is wrong: not 64 hex digits"),
                (&resolve(&"0".repeat(63)), "payment_key is wrong"),
                (&resolve(ZEROS), "does not hash to the payment_hash"),
                // Nothing of a refused answer is kept.
                (
                    r#"{"result":"nope","payload":"00","forward_to":"00"}"#,
                    "forward_to",
                ),
                (r#"{"result":"nope","payload":"00"}"#, "result is \"nope\""),
            ],
        );
    }

    #[test]
    fn falls_back() {
        assert_eq!(SPEC.stance, Stance::Closed);
        assert_eq!(
            fallen_back(&SPEC, fixture(0), Stance::Closed),
            (
                r#"{"failure_message":"2002","result":"fail"}"#.into(),
                Flow::Done
            )
        );
        assert_eq!(
            fallen_back(&SPEC, fixture(0), Stance::Open),
            (PLAIN.into(), Flow::Next)
        );
        // What was taken before an open fallback stays.
        let mut chain = (SPEC.begin)(fixture(0).into(), &Default::default());
        chain
            .answer(r#"{"result":"continue","invoice_msat":1}"#)
            .unwrap();
        chain.fallback(Stance::Open);
        assert_eq!(chain.finish(), r#"{"invoice_msat":1,"result":"continue"}"#);
    }
}

#[test]
fn records_that_were_not_shown_are_put_back() {
    let whole = TlvStream::new()
        .with(2, [7u8, 208])
        .with(4, [120u8])
        .with(8, [0x11u8; 34])
        .with(5_482_373_484, [0x22u8; 32]);
    let payload = json!({"onion": {"payload": whole.to_prefixed_hex(), "next_onion": ""},
        "htlc": {"payment_hash": "00".repeat(32)}});
    let chain = (SPEC.begin)(payload.to_string().into(), &Default::default());
    let withheld = [8, 5_482_373_484];
    let shown = {
        let mut shown = whole.clone();
        for typ in withheld {
            shown.remove(typ);
        }
        shown
    };
    let answer = |tlvs: &TlvStream| json!({"result": "continue", "payload": tlvs}).to_string();
    let restored = |answer: &str| -> Option<TlvStream> {
        let answer: Value = serde_json::from_str(&chain.restore(answer, &withheld)?).unwrap();
        assert_eq!(answer["result"], "continue");
        Some(answer["payload"].as_str().unwrap().parse().unwrap())
    };
    assert_eq!(restored(&answer(&shown)), Some(whole.clone()));
    let forwards = shown.clone().with(2, [7u8]);
    assert_eq!(
        restored(&answer(&forwards)),
        Some(whole.clone().with(2, [7u8]))
    );
    // A secret of the guest's own is its own.
    let own = whole.clone().with(8, [0x33u8; 34]);
    assert_eq!(restored(&answer(&own)), None);
    for untouched in [
        r#"{"result":"continue"}"#,
        r#"{"result":"continue","payload":"zz"}"#,
        r#"{"result":"continue","payload":7}"#,
        r#"{"result":"fail","failure_message":"2002"}"#,
        "[",
    ] {
        assert_eq!(chain.restore(untouched, &withheld), None, "{untouched}");
    }
    // Some of the withheld records only.
    let partly: Value =
        serde_json::from_str(&chain.restore(&answer(&shown), &[8]).unwrap()).unwrap();
    let partly: TlvStream = partly["payload"].as_str().unwrap().parse().unwrap();
    assert_eq!(partly.get(8), whole.get(8));
    assert_eq!(partly.get(5_482_373_484), None);
}
