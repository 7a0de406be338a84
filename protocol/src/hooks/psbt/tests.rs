use super::*;
use proptest::prelude::*;
use serde_json::Value;

const CHANGED: &str = include_str!("../../../tests/fixtures/openchannel2_changed.jsonl");
const SIGN: &str = include_str!("../../../tests/fixtures/openchannel2_sign.jsonl");

fn shown(fixture: &str, hook: &str) -> Vec<u8> {
    let payload: Value = serde_json::from_str(fixture.lines().next().unwrap()).unwrap();
    base64::engine::general_purpose::STANDARD
        .decode(payload[hook]["psbt"].as_str().unwrap())
        .unwrap()
}

/// A PSBT put together from its maps.
fn psbt(maps: &[&[(&[u8], &[u8])]]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for map in maps {
        for (key, value) in *map {
            for part in [key, value] {
                assert!(part.len() < 0xfd);
                bytes.push(part.len() as u8);
                bytes.extend_from_slice(part);
            }
        }
        bytes.push(0);
    }
    bytes
}

type Field<'a> = (&'a [u8], &'a [u8]);

const VERSION_2: Field = (&[0xfb], &[2, 0, 0, 0]);
const TX_VERSION: Field = (&[2], &[2, 0, 0, 0]);
const SERIAL: Field = (SERIAL_KEY, &[0, 0, 0, 0, 0, 0, 0, 1]);
const SERIAL_KEY: &[u8] = b"\xfc\x09lightning\x01";
const TXID: Field = (&[0x0e], &[7; 32]);
const INDEX: Field = (&[0x0f], &[0; 4]);

/// Spends one output, pays 16 sat to the script 51.
const UTXO: &[u8] = &[
    2, 0, 0, 0, 1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 255, 255, 255, 255, 1, 16, 0, 0, 0, 0, 0, 0, 0, 1, 0x51, 0, 0, 0,
    0,
];

fn with_input(fields: &[Field]) -> Vec<u8> {
    psbt(&[&[VERSION_2, TX_VERSION, (&[4], &[1]), (&[5], &[0])], fields])
}

fn with_output(fields: &[Field]) -> Vec<u8> {
    psbt(&[&[VERSION_2, TX_VERSION, (&[4], &[0]), (&[5], &[1])], fields])
}

#[test]
fn takes_what_lightningd_makes() {
    let changed = parse(&shown(CHANGED, "openchannel2_changed"), Needs::Inputs).unwrap();
    assert_eq!((changed.inputs.len(), changed.outputs.len()), (2, 3));
    let sign = parse(&shown(SIGN, "openchannel2_sign"), Needs::SerialIds).unwrap();
    assert_eq!(sign.version, 2);
    assert!(check_unchanged(&sign, &sign).is_ok());
}

#[test]
fn takes_version_0() {
    // The global transaction spends output 0 of UTXO and pays to script 51.
    let v0 = psbt(&[&[(&[0], UTXO)], &[(&[0], UTXO)], &[]]);
    let parsed = parse(&v0, Needs::Inputs).unwrap();
    assert_eq!(
        (parsed.version, parsed.inputs.len(), parsed.outputs.len()),
        (0, 1, 1)
    );
    assert!(
        parse(&v0, Needs::SerialIds)
            .unwrap_err()
            .contains("version 2 is needed")
    );
}

#[test]
fn refuses_version_0_that_cannot_become_version_2() {
    let with = |change: fn(&mut Vec<u8>)| {
        let mut tx = UTXO.to_vec();
        change(&mut tx);
        let v0 = psbt(&[&[(&[0], &tx)], &[(&[0], UTXO)], &[]]);
        parse(&v0, Needs::Inputs).map(drop)
    };
    assert_eq!(with(|_| {}), Ok(()));
    for (refused, reason) in [
        (
            with(|tx| tx[5..37].fill(0)),
            "an input spends no transaction",
        ),
        (
            with(|tx| drop(tx.splice(55..57, [0]))),
            "an output has no script",
        ),
    ] {
        assert_eq!(refused, Err(format!("in the transaction: {reason}")));
    }
}

#[test]
fn takes_signatures_and_origins() {
    let signature = [0x30, 6, 2, 1, 1, 2, 1, 1, 1];
    let point =
        hex::decode("0209c17ca4245bec99f4d88ac20233f5a8557bd478f9852f0a6f06543dad105c79").unwrap();
    let key = |typ: u8, data: &[u8]| [&[typ], data].concat();
    let (sig, origin, tap) = (key(2, &point), key(6, &point), key(0x16, &point[1..]));
    let fields: [Field; 9] = [
        (&[0], UTXO),
        TXID,
        INDEX,
        SERIAL,
        (&[3], &[1, 0, 0, 0]),
        (&sig, &signature),
        (&origin, &[1, 2, 3, 4, 0, 0, 0, 0]),
        (&tap, &[0, 1, 2, 3, 4]),
        (&[8], &[1, 2, 0xab, 0xcd]),
    ];
    assert_eq!(parse(&with_input(&fields), Needs::SerialIds).err(), None);
    // SIGHASH_NONE where SIGHASH_ALL was asked for.
    let none = [0x30, 6, 2, 1, 1, 2, 1, 1, 2];
    let mut fields = fields;
    fields[5] = (&sig, &none);
    let refused = parse(&with_input(&fields), Needs::SerialIds).unwrap_err();
    assert_eq!(refused, "input 0: a signature has another sighash type");
}

#[test]
fn refuses_inputs() {
    let p2sh = {
        let mut utxo = UTXO.to_vec();
        let script = [&[0xa9, 0x14][..], &[1; 20], &[0x87]].concat();
        utxo.splice(55..57, [&[23u8][..], &script].concat());
        utxo
    };
    let point = [2; 33];
    let not_point = [&[2u8, 2][..], &[0xff; 32]].concat();
    // Of no input: version, marker and flag of witnesses, no input, one output.
    let from_nothing = [
        2, 0, 0, 0, 0, 1, 0, 1, 16, 0, 0, 0, 0, 0, 0, 0, 1, 0x51, 0, 0, 0, 0,
    ];
    let cases: [(&[Field], &str); 20] = [
        (&[], "there is no previous txid"),
        (&[TXID], "there is no output index"),
        (&[TXID, INDEX], "there is no non-witness utxo"),
        (
            &[TXID, INDEX, (&[0], &[1])],
            "in a transaction: it is cut short",
        ),
        // lightningd aborts when it writes either of these two.
        (
            &[TXID, INDEX, (&[0], &from_nothing), SERIAL],
            "in a transaction: it has no input",
        ),
        (
            &[(&[0x0e], &[0; 32]), INDEX, (&[0], UTXO), SERIAL],
            "its previous txid is zero",
        ),
        (
            &[TXID, (&[0x0f], &[1, 0, 0, 0]), (&[0], UTXO)],
            "its utxo has no output 1",
        ),
        (&[TXID, INDEX, (&[0], &p2sh)], "no redeem script"),
        (
            &[TXID, INDEX, (&[0], &p2sh), (&[4], &[])],
            "field 0x4 is empty",
        ),
        (&[TXID, INDEX, (&[0], UTXO)], "there is no serial id"),
        (
            &[TXID, INDEX, (&[0], UTXO), (SERIAL_KEY, &[1])],
            "there is no serial id",
        ),
        (&[(&[0x0e], &[7; 31])], "field 0xe has a wrong length"),
        (&[(&[0x0f], &[7; 3])], "field 0xf has a wrong length"),
        (
            &[(&[0x0e, 1], &[7; 32])],
            "field 0xe has a key that is too long",
        ),
        (&[TXID, TXID], "a field of type 0xe is there twice"),
        (&[(&[0x12], &[1, 0, 0, 0])], "locktime of its own"),
        (&[(&[0x0b], &[1])], "preimage"),
        (&[(&[0xfc, 1, 2], &[])], "field 0xfc is empty"),
        (&[(&not_point, &[1])], "not a point"),
        (
            &[(&[&[2u8][..], &point].concat(), &[0x30, 1])],
            "not a signature",
        ),
    ];
    for (fields, reason) in cases {
        let refused = parse(&with_input(fields), Needs::SerialIds).unwrap_err();
        assert!(refused.contains(reason), "{refused} is not about: {reason}");
    }
    let p2sh_with_script: [Field; 5] = [TXID, INDEX, SERIAL, (&[0], &p2sh), (&[4], &[0x51])];
    assert!(parse(&with_input(&p2sh_with_script), Needs::SerialIds).is_ok());
}

#[test]
fn refuses_outputs() {
    let amount: Field = (&[3], &[0; 8]);
    let script: Field = (&[4], &[0x51]);
    let cases: [(&[Field], &str); 8] = [
        (&[], "there is no amount"),
        (&[amount], "there is no script"),
        (&[amount, (&[4], &[])], "field 0x4 is empty"),
        (&[(&[3], &[0; 7])], "field 0x3 has a wrong length"),
        (&[(&[3], &[0xff; 8])], "field 0x3 is too much"),
        (&[(&[6], &[0; 8])], "taproot tree"),
        (&[amount, script], "there is no serial id"),
        (&[(&[5], &[0; 31])], "field 0x5 has a wrong length"),
    ];
    for (fields, reason) in cases {
        let refused = parse(&with_output(fields), Needs::SerialIds).unwrap_err();
        assert!(refused.contains(reason), "{refused} is not about: {reason}");
    }
    assert!(parse(&with_output(&[amount, script]), Needs::Anything).is_ok());
    let none = parse(&with_output(&[amount, script]), Needs::Inputs).unwrap_err();
    assert_eq!(none, "there are no inputs");
}

#[test]
fn refuses_globals() {
    let (inputs, outputs): (Field, Field) = ((&[4], &[0]), (&[5], &[0]));
    let cases: [(&[Field], &str); 11] = [
        (&[], "there is no transaction"),
        (&[(&[0xfb], &[1, 0, 0, 0])], "version 1 is not known"),
        (&[(&[0xfb], &[2])], "field 0xfb is not four bytes"),
        (&[VERSION_2], "there is no transaction version"),
        (
            &[VERSION_2, (&[2], &[1, 0, 0, 0])],
            "transaction version 1 is below 2",
        ),
        (&[VERSION_2, TX_VERSION], "there is no input count"),
        (&[VERSION_2, TX_VERSION, inputs], "there is no output count"),
        (
            &[VERSION_2, TX_VERSION, (&[4], &[0, 0]), outputs],
            "field 0x4 is too long",
        ),
        (
            &[VERSION_2, TX_VERSION, (&[0], UTXO)],
            "field 0x0 is not for version 2",
        ),
        (&[VERSION_2, TX_VERSION, (&[6], &[8])], "unknown flags"),
        (
            &[(&[0], UTXO), TX_VERSION],
            "field 0x2 is not for version 0",
        ),
    ];
    for (fields, reason) in cases {
        let refused = parse(&psbt(&[fields]), Needs::Anything).unwrap_err();
        assert!(refused.contains(reason), "{refused} is not about: {reason}");
    }
    for (bytes, reason) in [
        (b"".to_vec(), "cut short"),
        (b"psbt\x00".to_vec(), "magic"),
        (b"pset\xff\x00".to_vec(), "Liquid"),
        (MAGIC.to_vec(), "cut short"),
        // Claims four billion inputs: read until they run out, not allocated.
        (
            psbt(&[&[
                VERSION_2,
                TX_VERSION,
                (&[4], &[0xfe, 255, 255, 255, 255]),
                outputs,
            ]]),
            "cut short",
        ),
        (
            [psbt(&[&[VERSION_2, TX_VERSION, inputs, outputs]]), vec![0]].concat(),
            "after the last",
        ),
    ] {
        let refused = parse(&bytes, Needs::Anything).unwrap_err();
        assert!(refused.contains(reason), "{refused} is not about: {reason}");
    }
    assert!(check("cHNidP8!", Needs::Anything).is_err());
}

#[test]
fn signing_may_add_only_signatures() {
    let base: [Field; 4] = [(&[0], UTXO), TXID, INDEX, SERIAL];
    let shown = parse(&with_input(&base), Needs::SerialIds).unwrap();
    let with = |field: Field| {
        let fields = [&base[..], &[field]].concat();
        parse(&with_input(&fields), Needs::SerialIds).unwrap()
    };
    for added in [
        (&[8][..], &[1, 1, 7][..]),
        (&[5], &[1]),
        (&[0x13], &[1; 64]),
        (&[0x10], &[0xff; 4]),
    ] {
        assert_eq!(check_unchanged(&shown, &with(added)), Ok(()), "{added:?}");
    }
    for added in [
        (&[0x10][..], &[0; 4][..]),
        (&[0x17], &[1; 32]),
        (&[0xfc, 1, 2], &[3]),
    ] {
        let refused = check_unchanged(&shown, &with(added)).unwrap_err();
        assert_eq!(refused.0, "psbt changes the inputs");
    }
    let empty = parse(
        &psbt(&[&[VERSION_2, TX_VERSION, (&[4], &[0]), (&[5], &[0])]]),
        Needs::Anything,
    );
    assert!(check_unchanged(&shown, &empty.unwrap()).is_err());
    let later = psbt(&[
        &[
            VERSION_2,
            TX_VERSION,
            (&[3], &[9, 0, 0, 0]),
            (&[4], &[1]),
            (&[5], &[0]),
        ],
        &base,
    ]);
    let later = parse(&later, Needs::SerialIds).unwrap();
    let refused = check_unchanged(&shown, &later).unwrap_err();
    assert_eq!(
        refused.0,
        "psbt changes the version or locktime of the transaction"
    );
}

#[test]
fn serial_ids_are_unique() {
    let output: [Field; 3] = [(&[3], &[0; 8]), (&[4], &[0x51]), SERIAL];
    let twice = psbt(&[
        &[VERSION_2, TX_VERSION, (&[4], &[0]), (&[5], &[2])],
        &output,
        &output,
    ]);
    let refused = parse(&twice, Needs::Anything).unwrap_err();
    assert_eq!(refused, "output 1: its serial id is taken");
}

proptest! {
    #[test]
    fn never_panics(mut bytes in Just(shown(CHANGED, "openchannel2_changed")),
                    changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
                    cut in any::<prop::sample::Index>()) {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = parse(&bytes, Needs::SerialIds);
        let _ = parse(&bytes[..cut.index(bytes.len())], Needs::Anything);
    }
}
