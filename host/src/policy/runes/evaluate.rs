//! Does a call satisfy restrictions? (`lightningd/runes.c:json_checkrune`)

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::condition::{self, Field};
use super::fields::{Params, field_of, text_of};
use super::restriction::{Alternative, Condition, Restriction};
use super::{bolt11, bolt12};

/// What restrictions are asked about.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// The RPC method.
    pub method: Option<&'c str>,
    /// Its parameters, an object or an array, as they will be sent.
    pub params: Option<&'c RawValue>,
    /// The node id of the peer that asks. A guest is not a peer: it has none.
    pub id: Option<&'c str>,
    /// Since 1970, UTC.
    pub now: Duration,
    /// When these restrictions last let a call pass, since 1970, for `rate` and `per`.
    pub last_used: Option<Duration>,
}

/// Why a call was refused, in lightningd's words:
/// "Not permitted: parameter amount_msat is greater or equal to 1000".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Not permitted: {}", self.0)
    }
}

impl std::error::Error for Refusal {}

/// Whether every restriction has an alternative that holds.
///
/// # Errors
///
/// The first restriction that has none, with the complaint of each alternative.
pub fn evaluate(restrictions: &[Restriction], call: &Call<'_>) -> Result<(), Refusal> {
    Evaluation::of(*call).permits(restrictions)
}

/// A call that many restrictions are asked about. What is read of it is read once: a guest chooses
/// both the parameters and, in its manifest, restrictions, and this runs on the bridge's thread.
#[derive(Debug)]
pub struct Evaluation<'c> {
    call: Call<'c>,
    params: Result<Option<Params<'c>>, Refusal>,
    /// By the parameter that it is.
    invoices: RefCell<Vec<(String, Decoded)>>,
}

/// An invoice, or why it is none.
type Decoded = Rc<Result<Invoice, String>>;

/// What restrictions may ask of an invoice.
#[derive(Debug)]
struct Invoice {
    amount_msat: Option<u64>,
    description: Option<Vec<u8>>,
    /// In hex.
    node: Option<String>,
}

impl<'c> Evaluation<'c> {
    /// Reads the parameters.
    pub fn of(call: Call<'c>) -> Self {
        let read = |params| match Params::read(params) {
            None => Err(Refusal("params must be object or array".into())),
            Some(params) if params.len() > MOST_PARAMS => {
                Err(Refusal(format!("more than {MOST_PARAMS} parameters")))
            }
            Some(params) => Ok(params),
        };
        Evaluation {
            call,
            params: call.params.map(read).transpose(),
            invoices: RefCell::default(),
        }
    }

    /// Whether every restriction has an alternative that holds.
    ///
    /// # Errors
    ///
    /// As [`evaluate`].
    pub fn permits(&self, restrictions: &[Restriction]) -> Result<(), Refusal> {
        self.permits_after(self.call.last_used, restrictions)
    }

    /// The same for restrictions that last let a call pass then.
    ///
    /// # Errors
    ///
    /// As [`evaluate`].
    pub fn permits_after(
        &self,
        last_used: Option<Duration>,
        restrictions: &[Restriction],
    ) -> Result<(), Refusal> {
        let params = self.params.as_ref().map_err(Clone::clone)?.as_ref();
        let call = Call {
            last_used,
            ..self.call
        };
        for restriction in restrictions {
            let mut complaints = Vec::new();
            for alternative in restriction.alternatives() {
                match check(alternative, &call, params, self) {
                    Ok(()) => {
                        complaints.clear();
                        break;
                    }
                    Err(complaint) => complaints.push(complaint),
                }
            }
            if !complaints.is_empty() {
                return Err(Refusal(in_english(&complaints.join(" AND "))));
            }
        }
        Ok(())
    }

    /// The invoice that this parameter is.
    fn invoice(&self, param: &str, json: &str) -> Decoded {
        let mut invoices = self.invoices.borrow_mut();
        if let Some((_, invoice)) = invoices.iter().find(|(known, _)| known == param) {
            return Rc::clone(invoice);
        }
        let invoice = Rc::new(Invoice::read(json));
        invoices.push((param.to_owned(), Rc::clone(&invoice)));
        invoice
    }
}

/// Parameters of one call. No command of lightningd's has a hundred.
const MOST_PARAMS: usize = 1_000;

fn check(
    alternative: &Alternative,
    call: &Call<'_>,
    params: Option<&Params<'_>>,
    evaluation: &Evaluation<'_>,
) -> Result<(), String> {
    let escaped;
    let field = match alternative.field.as_str() {
        "time" => Field::Int(i64::try_from(call.now.as_secs()).unwrap_or(i64::MAX)),
        "id" => call
            .id
            .map_or(Field::Missing, |id| Field::Text(id.as_bytes())),
        "method" => match call.method {
            None => Field::Missing,
            Some(method) => {
                escaped = serde_json::Value::from(method).to_string();
                Field::Text(text_of(&escaped).as_bytes())
            }
        },
        "pnum" => Field::Int(i64::try_from(params.map_or(0, Params::len)).unwrap_or(i64::MAX)),
        "rate" => return waited(rate(alternative)?, call),
        "per" => return waited(per(alternative)?, call),
        field => match field.strip_prefix("pinv") {
            Some(inner) => return check_invoice(alternative, inner, params, evaluation),
            None => params
                .and_then(|params| params.get(field))
                .map_or(Field::Missing, field_of),
        },
    };
    condition::test(alternative, &field)
}

/// Nanoseconds between uses.
pub(super) fn rate(alternative: &Alternative) -> Result<u128, String> {
    if alternative.condition != Condition::Equal {
        return Err("rate operator must be =".into());
    }
    match strtoul(&alternative.value) {
        Some((n, "")) => Ok(60_000_000_000 / n),
        _ => Err("malformed rate".into()),
    }
}

/// Nanoseconds between uses.
pub(super) fn per(alternative: &Alternative) -> Result<u128, String> {
    if alternative.condition != Condition::Equal {
        return Err("per operator must be =".into());
    }
    let (n, suffix) = strtoul(&alternative.value).ok_or("malformed per")?;
    let unit = match suffix {
        "" | "sec" => 1_000_000_000,
        "nsec" => 1,
        "usec" => 1_000,
        "msec" => 1_000_000,
        "min" => 60_000_000_000,
        "hour" => 3_600_000_000_000,
        "day" => 86_400_000_000_000,
        _ => return Err("malformed suffix".into()),
    };
    match n * unit {
        ns if ns <= u128::from(u64::MAX) => Ok(ns),
        _ => Err("per overflow".into()),
    }
}

/// A number from 1 to 2^32 - 2 as C's `strtoul` reads it, and what follows it.
fn strtoul(text: &str) -> Option<(u128, &str)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    // A minus would wrap around to more than 32 bits, which is refused either way,
    // but for those numbers that wrap back into them.
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let (number, rest) = digits.split_at(end);
    let n: u64 = number.parse().ok()?;
    let n = if negative { n.wrapping_neg() } else { n };
    (n > 0 && n < u64::from(u32::MAX)).then_some((u128::from(n), rest))
}

fn waited(ns: u128, call: &Call<'_>) -> Result<(), String> {
    let since = match call.last_used {
        None => return Ok(()),
        Some(last) => call.now.saturating_sub(last),
    };
    if since.as_nanos() < ns {
        return Err("too soon".into());
    }
    Ok(())
}

impl Invoice {
    /// # Errors
    ///
    /// It is none, in lightningd's words.
    fn read(json: &str) -> Result<Invoice, String> {
        let text = text_of(json);
        let text = text
            .strip_prefix("lightning:")
            .or_else(|| text.strip_prefix("LIGHTNING:"))
            .unwrap_or(text);
        let (amount_msat, description, node) = match (bolt11::decode(text), bolt12::decode(text)) {
            (Ok(b11), _) => (b11.amount_msat, b11.description, Some(b11.node_id)),
            (Err(_), Ok(b12)) => (Some(b12.amount_msat), b12.description, b12.issuer_id),
            (Err(b11), Err(b12)) => {
                let why = if text.starts_with("lni") { b12 } else { b11 };
                return Err(format!("Invalid invoice: {why}"));
            }
        };
        Ok(Invoice {
            amount_msat,
            description,
            node: node.map(hex::encode),
        })
    }
}

/// `pinvX_amount`, `pinvX_description`, `pinvX_node`: `inner` is what follows `pinv`.
fn check_invoice(
    alternative: &Alternative,
    inner: &str,
    params: Option<&Params<'_>>,
    evaluation: &Evaluation<'_>,
) -> Result<(), String> {
    let parts = ["_amount", "_description", "_node"]
        .iter()
        .find_map(|part| inner.strip_suffix(part).map(|param| (param, *part)));
    let Some((param, part)) = parts else {
        return Err(format!("Unknown invoice field {inner}"));
    };
    let Some(json) = params.and_then(|params| params.get(&format!("pname{param}"))) else {
        return Err(format!("Unknown invoice parameter {param}"));
    };
    let invoice = evaluation.invoice(param, json);
    let invoice = invoice.as_ref().as_ref().map_err(String::clone)?;
    let text = |text: &'_ [u8]| condition::test(alternative, &Field::Text(text));
    match (part, &invoice.description, &invoice.node) {
        ("_amount", ..) => {
            // As C does: an amount above 2^63 msat becomes a negative number.
            let field = invoice
                .amount_msat
                .map_or(Field::Missing, |msat| Field::Int(msat as i64));
            condition::test(alternative, &field)
        }
        ("_description", Some(description), _) => text(description),
        ("_node", _, Some(node)) => text(node.as_bytes()),
        _ => condition::test(alternative, &Field::Missing),
    }
}

/// lightningd spells fields out, but only at the very beginning, and escapes what
/// JSON must escape.
fn in_english(complaint: &str) -> String {
    let mut escaped = String::with_capacity(complaint.len());
    for c in complaint.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            c if c < ' ' || c == '\u{7f}' => {
                escaped.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    for (field, english) in [
        ("pname", "parameter "),
        ("parr", "parameter #"),
        ("pnum", "number of parameters"),
        ("pinv", "invoice parameter "),
    ] {
        if let Some(rest) = escaped.strip_prefix(field) {
            return format!("{english}{rest}");
        }
    }
    escaped
}
