//! The same questions to the bridge's rune language, to the tests' own, and to `checkrune` of a real
//! lightningd. Skips itself where there is none.
//!
//! `CHECKRUNE_CASES` sets how many questions; 800 unless told, which is some seconds.

mod cases;
mod node;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cases::{Case, Dice, make_invoices};
use cln_wasm::policy::runes::{Call, Restriction, evaluate};
use cln_wasm_tests::lab::Lab;
use cln_wasm_tests::runes::{Alternative, Asked, parse, permits};
use node::Rpc;
use serde_json::{Value, json};

const SEED: u64 = 0x5eed_0000_0000_0001;

#[test]
fn restrictions_mean_what_checkrune_says() {
    let Some(lab) = Lab::start::<[&str; 0], &str>(&[[], []]) else {
        return;
    };
    lab.open_line();
    let cases: usize = match std::env::var("CHECKRUNE_CASES") {
        Ok(number) => number.parse().expect("CHECKRUNE_CASES"),
        Err(_) => 800,
    };
    let mut node = Rpc::connect(lab.node(0).rpc.as_ref());
    let mut payee = Rpc::connect(lab.node(1).rpc.as_ref());
    let mut dice = Dice(SEED);

    let id = lab.node(0).id;
    let invoices = make_invoices(&mut node, &mut payee, &mut dice);
    let mut tally = Tally::default();
    for n in 0..cases {
        let case = if n % 3 == 0 {
            Case::about_invoices(&mut dice, &invoices, &id)
        } else {
            Case::about_fields(&mut dice, &id)
        };
        compare(&case, &mut node, &mut tally);
    }
    println!("seed {SEED:#x}: {tally:?}");
    assert!(
        tally.permitted > cases / 10,
        "too few cases that pass to mean anything"
    );
    assert!(
        tally.refused > cases / 10,
        "too few cases that fail to mean anything"
    );
    assert!(tally.too_soon > cases / 400);
    assert!(tally.by_the_oracle > cases / 10);
    assert_eq!((tally.disagreements, tally.other_words), (0, 0));
    lab.assert_healthy();
}

#[derive(Debug, Default)]
struct Tally {
    permitted: usize,
    refused: usize,
    malformed: usize,
    too_soon: usize,
    disagreements: usize,
    other_words: usize,
    /// Answers that the tests' own evaluator gave as well.
    by_the_oracle: usize,
    /// Where only lightningd's use of freed memory differed, see [`settle`].
    freed_memory: usize,
}

fn compare(case: &Case, node: &mut Rpc, tally: &mut Tally) {
    let ours: Result<Vec<Restriction>, _> = case
        .restrictions
        .iter()
        .map(|texts| Restriction::from_alternatives(texts.iter().map(String::as_str)))
        .collect();
    let made = node.call(
        "createrune",
        &json!({ "restrictions": case.restrictions }).to_string(),
    );
    let (ours, made) = match (ours, made) {
        (Ok(ours), Ok(made)) => (ours, made),
        (Err(_), Err(_)) => {
            tally.malformed += 1;
            return;
        }
        (ours, made) => {
            return disagree(case, tally, &format!("{ours:?}"), &format!("{made:?}"));
        }
    };
    // The form inside the rune must read back as the same.
    for restriction in &ours {
        assert_eq!(
            Restriction::parse(&restriction.to_string()).as_ref(),
            Ok(restriction)
        );
    }
    let mut params = vec![format!("\"rune\":{}", made["rune"])];
    if let Some(method) = &case.method {
        params.push(format!("\"method\":{}", Value::from(method.as_str())));
    }
    if let Some(sent) = &case.params {
        params.push(format!("\"params\":{sent}"));
    }
    if let Some(id) = &case.id {
        params.push(format!("\"nodeid\":\"{id}\""));
    }
    let question = format!("{{{}}}", params.join(","));
    let mut last_used = None;
    // Twice, for rate and per.
    for _ in 0..2 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let call = Call {
            method: case.method.as_deref(),
            params: case.params.as_deref(),
            id: case.id.as_deref(),
            now: last_used.map_or(now, |last| last + Duration::from_millis(1)),
            last_used,
        };
        let ours = evaluate(&ours, &call);
        let theirs = node.call("checkrune", &question);
        if let Some(oracle) = oracle(case, &call) {
            tally.by_the_oracle += 1;
            assert_eq!(
                oracle,
                ours.is_ok(),
                "the tests' own evaluator: {:?} {question}",
                case.restrictions
            );
        }
        match (&ours, &theirs) {
            (Ok(()), Ok(_)) => {
                tally.permitted += 1;
                last_used = Some(call.now);
            }
            (Err(ours), Err(theirs)) => {
                tally.refused += 1;
                tally.too_soon += usize::from(ours.to_string().contains("too soon"));
                if ours.to_string() != *theirs && !settle(case, node, tally) {
                    tally.other_words += 1;
                    println!(
                        "other words: {:?} {question}\n  ours   {ours}\n  theirs {theirs}",
                        case.restrictions
                    );
                }
                return;
            }
            _ => {
                if !settle(case, node, tally) {
                    println!("{question}");
                    disagree(case, tally, &format!("{ours:?}"), &format!("{theirs:?}"));
                }
                return;
            }
        }
    }
}

/// lightningd v26.06 keeps the names of object parameters in memory that it
/// frees when the first restriction that looked them up has passed
/// (`check_condition` allocates them off the list of complaints, which
/// `rune_restr_test` frees). What later restrictions find is then a matter of
/// chance. Asked for each restriction alone, it answers as it means to.
fn settle(case: &Case, node: &mut Rpc, tally: &mut Tally) -> bool {
    let object = case
        .params
        .as_ref()
        .is_some_and(|params| params.get().starts_with('{'));
    if !object || case.restrictions.len() < 2 {
        return false;
    }
    let mut alone = Tally::default();
    for restriction in &case.restrictions {
        let case = Case {
            restrictions: vec![restriction.clone()],
            method: case.method.clone(),
            params: case.params.clone(),
            id: case.id.clone(),
        };
        compare(&case, node, &mut alone);
    }
    let agree = alone.disagreements + alone.other_words == 0;
    tally.freed_memory += usize::from(agree);
    agree
}

fn disagree(case: &Case, tally: &mut Tally, ours: &str, theirs: &str) {
    tally.disagreements += 1;
    println!(
        "DISAGREE: {:?}\n  ours   {ours}\n  theirs {theirs}",
        case.restrictions
    );
}

/// What the tests' own evaluator says; none where it was told too little: of invoices, of a peer, and of
/// the time since the last use, which lightningd measures itself.
fn oracle(case: &Case, call: &Call<'_>) -> Option<bool> {
    let restrictions: Vec<Vec<Alternative>> = case
        .restrictions
        .iter()
        .map(|texts| {
            let restriction =
                Restriction::from_alternatives(texts.iter().map(String::as_str)).ok()?;
            parse(&restriction.to_string())
        })
        .collect::<Option<_>>()?;
    let beyond = |a: &Alternative| {
        a.field.starts_with("pinv") || matches!(a.field.as_str(), "id" | "rate" | "per" | "time")
    };
    let params = call.params?.get();
    let method = Value::from(call.method?).to_string();
    if restrictions.iter().flatten().any(beyond) {
        return None;
    }
    let asked = Asked {
        method: &method[1..method.len() - 1],
        params,
        time: 0,
        since: None,
        invoices: &[],
    };
    Some(permits(&restrictions, &asked))
}
