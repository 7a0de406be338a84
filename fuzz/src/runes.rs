//! Restrictions, and what they say of a call.

use crate::policy::runes::{Call, Restriction, evaluate, lint};
use cln_wasm_tests::runes::{Alternative, Asked, parse, permits};
use serde_json::value::RawValue;
use std::time::Duration;

const NOW: Duration = Duration::new(1_800_000_000, 999_999_999);
const SINCE: Duration = Duration::from_millis(1500);

/// Input: params on the first line, the method on the second, whether the restrictions were used
/// before (any text) on the third, a restriction on each line that follows.
pub fn runes(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let (Some(params), Some(method), Some(used)) = (lines.next(), lines.next(), lines.next())
    else {
        return;
    };
    let mut restrictions = Vec::new();
    let mut expected = Vec::new();
    for line in lines.take(8) {
        let read = Restriction::parse(line).ok();
        let theirs = parse(line);
        assert_eq!(read.as_ref().map(same_as_theirs), theirs, "{line:?}");
        let (Some(read), Some(theirs)) = (read, theirs) else {
            continue;
        };
        check_text(&read);
        restrictions.push(read);
        expected.push(theirs);
    }

    let Ok(raw) = serde_json::from_str::<&RawValue>(params) else {
        return;
    };
    if !raw.get().starts_with(['{', '[']) {
        let call = call(method, raw, used);
        assert!(evaluate(&restrictions, &call).is_err());
        return;
    }
    let ours = evaluate(&restrictions, &call(method, raw, used)).is_ok();
    let escaped = serde_json::Value::from(method).to_string();
    let asked = Asked {
        method: &escaped[1..escaped.len() - 1],
        params: raw.get(),
        time: NOW.as_secs() as i64,
        since: (!used.is_empty()).then_some(SINCE.as_nanos()),
        invoices: &[],
    };
    // The other one knows no invoices.
    let of_invoices = |r: &Vec<Alternative>| r.iter().any(|a| a.field.starts_with("pinv"));
    if !expected.iter().any(of_invoices) {
        assert_eq!(ours, permits(&expected, &asked), "{text:?}");
    }
    equivalents(&restrictions, &call(method, raw, used), ours);
}

fn call<'c>(method: &'c str, params: &'c RawValue, used: &str) -> Call<'c> {
    Call {
        method: Some(method),
        params: Some(params),
        id: None,
        now: NOW,
        last_used: (!used.is_empty()).then(|| NOW - SINCE),
    }
}

fn same_as_theirs(restriction: &Restriction) -> Vec<Alternative> {
    let alternatives = restriction.alternatives().iter();
    let same = |a: &crate::policy::runes::Alternative| Alternative {
        field: a.field.clone(),
        condition: a.condition.as_char(),
        value: a.value.clone(),
    };
    alternatives.map(same).collect()
}

/// Written out and read again, in either form, it is the same.
fn check_text(restriction: &Restriction) {
    assert_eq!(
        Restriction::parse(&restriction.to_string()).as_ref(),
        Ok(restriction)
    );
    let plain: Vec<String> = restriction
        .alternatives()
        .iter()
        .map(|a| format!("{}{}{}", a.field, a.condition.as_char(), a.value))
        .collect();
    let again = Restriction::from_alternatives(plain.iter().map(String::as_str));
    assert_eq!(again.as_ref(), Ok(restriction));
}

/// What must not change the outcome, and what must.
fn equivalents(restrictions: &[Restriction], call: &Call<'_>, ours: bool) {
    let holds = |list: &[Restriction]| evaluate(list, call).is_ok();
    let mut other: Vec<Restriction> = restrictions.iter().rev().cloned().collect();
    assert_eq!(holds(&other), ours, "the order does not matter");
    other.extend_from_slice(restrictions);
    assert_eq!(holds(&other), ours, "nor does saying it twice");
    let each = restrictions
        .iter()
        .all(|one| holds(std::slice::from_ref(one)));
    assert_eq!(each, ours, "all must hold");
    for one in restrictions {
        let alone = holds(std::slice::from_ref(one));
        let any = one.alternatives().iter().any(|a| {
            let text = format!("{}{}{}", a.field, a.condition.as_char(), a.value);
            let single = Restriction::from_alternatives([text.as_str()]).expect("an alternative");
            holds(&[single])
        });
        assert_eq!(any, alone, "one alternative must hold");
        let commented = Restriction::parse(&format!("{one}|x#")).expect("a comment is one more");
        assert!(holds(&[commented]), "a comment always holds");
        // An operator is told that it can never hold only if that is so.
        if let [_] = one.alternatives()
            && lint(one).is_some_and(|slip| slip.contains("can never hold"))
        {
            assert!(!alone, "{one}");
        }
    }
}
