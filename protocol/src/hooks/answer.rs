//! A guest's answer, taken apart.
//!
//! Members are looked at one at a time, and each is refused with a reason that names
//! it. lightningd reads numbers and amounts from strings too, so does this.

use crate::hook::Invalid;
use crate::primitives::Amount;
use serde_json::{Map, Value};
use std::str::FromStr;

/// What every hook but `openchannel2_changed` and `openchannel2_sign` takes for "go on".
pub(super) const CONTINUE: &str = r#"{"result":"continue"}"#;

/// An `error_message` goes to the peer in one wire message, which holds 65535 bytes. This
/// many bytes of text stay below that even when JSON needs six bytes for each.
const ERROR_MESSAGE_MAX: usize = 4096;

/// Whether the answer is [`CONTINUE`], found without parsing: nearly all are.
pub(super) fn is_plain_continue(answer: &str) -> bool {
    // JSON's white space, which has no form feed.
    answer.trim_matches([' ', '\t', '\n', '\r']) == CONTINUE
}

/// An answer that is a JSON object.
pub(super) struct Answer(Map<String, Value>);

impl Answer {
    pub(super) fn parse(answer: &str) -> Result<Self, Invalid> {
        match serde_json::from_str(answer) {
            Ok(Value::Object(members)) => Ok(Answer(members)),
            Ok(other) => Err(Invalid::new(format!(
                "the answer is {}, not an object",
                shown(&other)
            ))),
            Err(reason) => Err(Invalid::new(format!("the answer is not JSON: {reason}"))),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn is_null_or_absent(&self, name: &str) -> bool {
        self.0.get(name).is_none_or(Value::is_null)
    }

    /// The member `result`, which must be a string where it exists.
    pub(super) fn result(&self) -> Result<Option<&str>, Invalid> {
        match self.0.get("result") {
            None => Ok(None),
            Some(Value::String(result)) => Ok(Some(result)),
            Some(other) => Err(Invalid::new(format!(
                "result is {}, not a string",
                shown(other)
            ))),
        }
    }

    /// A member that is a string of some form.
    pub(super) fn text<T>(&self, name: &str) -> Result<Option<T>, Invalid>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => match text.parse() {
                Ok(value) => Ok(Some(value)),
                Err(reason) => Err(Invalid::new(format!("{name} is wrong: {reason}"))),
            },
            Some(other) => Err(Invalid::new(format!(
                "{name} is {}, not a string",
                shown(other)
            ))),
        }
    }

    /// A member that is an amount in millisatoshi.
    pub(super) fn msat(&self, name: &str) -> Result<Option<Amount>, Invalid> {
        match self.0.get(name) {
            Some(Value::String(_)) => self.text(name),
            _ => Ok(self.number(name)?.map(Amount::from_msat)),
        }
    }

    /// A member that is an amount in satoshi: lightningd reads a bare number as sat here.
    pub(super) fn sat(&self, name: &str) -> Result<Option<u64>, Invalid> {
        let Some(Value::String(text)) = self.0.get(name) else {
            return self.number(name);
        };
        if text.ends_with("sat") {
            let amount: Option<Amount> = self.text(name)?;
            return match amount {
                Some(amount) if amount.msat() % 1000 != 0 => Err(Invalid::new(format!(
                    "{name} is {amount}, not a whole number of satoshi"
                ))),
                amount => Ok(amount.map(Amount::sat_rounded_down)),
            };
        }
        self.number(name)
    }

    /// A member that is an unsigned integer of at most `T`'s size, or such a number in a string.
    pub(super) fn number<T: TryFrom<u64>>(&self, name: &str) -> Result<Option<T>, Invalid> {
        let value = match self.0.get(name) {
            None => return Ok(None),
            Some(value) => value,
        };
        let number = match value {
            Value::Number(number) => number.as_u64(),
            // `parse` alone would take a sign.
            Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(Invalid::new(format!(
                "{name} is {}, not an unsigned integer of {} bits",
                shown(value),
                8 * size_of::<T>()
            ))),
        }
    }

    /// The member `error_message`, cut to what a peer can be sent. The note says so.
    pub(super) fn error_message(&self) -> Result<(Option<String>, Option<String>), Invalid> {
        match self.0.get("error_message") {
            None | Some(Value::Null) => Ok((None, None)),
            Some(Value::String(text)) => {
                let end = text.floor_char_boundary(ERROR_MESSAGE_MAX);
                let note = (end < text.len())
                    .then(|| format!("error_message was cut to {end} of {} bytes", text.len()));
                Ok((Some(text[..end].to_owned()), note))
            }
            Some(other) => Err(Invalid::new(format!(
                "error_message is {}, not a string",
                shown(other)
            ))),
        }
    }
}

/// The refusal of a `result` that the hook does not know.
pub(super) fn unknown_result(result: Option<&str>, allowed: &str) -> Invalid {
    match result {
        Some(result) => Invalid::new(format!(
            "result is {}, not {allowed}",
            shown(&Value::from(result))
        )),
        None => Invalid::new(format!("there is no member result; it must be {allowed}")),
    }
}

/// A value for the log, cut short.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.floor_char_boundary(64) {
        end if end < text.len() => format!("{}…", &text[..end]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str) -> Answer {
        Answer::parse(json).unwrap_or_else(|reason| panic!("{json}: {reason}"))
    }

    #[test]
    fn a_plain_continue_is_json() {
        assert!(is_plain_continue(" \t\r\n{\"result\":\"continue\"}\n"));
        // White space to others, not to JSON.
        for around in ["\u{c}", "\u{b}", "\u{a0}"] {
            assert!(!is_plain_continue(&format!("{around}{CONTINUE}")));
            assert!(!is_plain_continue(&format!("{CONTINUE}{around}")));
        }
    }

    #[test]
    fn only_objects() {
        for (json, reason) in [
            ("", "not JSON"),
            ("{", "not JSON"),
            ("[]", "is [], not an object"),
            ("null", "is null"),
            ("\"continue\"", "is \"continue\""),
            (&"[".repeat(1000), "not JSON"),
        ] {
            let refused = Answer::parse(json).err().expect(json);
            assert!(refused.0.contains(reason), "{json}: {refused}");
        }
    }

    #[test]
    fn numbers_and_amounts() {
        let a = answer(
            r#"{"n":7,"s":"7","big":4294967296,"neg":-1,"float":1.0,"hex":"0x10","sat":"3sat",
                "msat":"3000msat","odd":"3001msat","null":null,"empty":""}"#,
        );
        assert_eq!(a.number::<u32>("n").unwrap(), Some(7));
        assert_eq!(a.number::<u32>("s").unwrap(), Some(7));
        assert_eq!(a.number::<u32>("none").unwrap(), None);
        for name in ["big", "neg", "float", "hex", "null", "empty"] {
            let refused = a.number::<u32>(name).unwrap_err();
            assert!(refused.0.starts_with(name), "{refused}");
            assert!(refused.0.ends_with("not an unsigned integer of 32 bits"));
        }
        assert_eq!(a.number::<u64>("big").unwrap(), Some(1 << 32));
        assert_eq!(a.sat("n").unwrap(), Some(7));
        assert_eq!(a.sat("sat").unwrap(), Some(3));
        assert_eq!(a.sat("msat").unwrap(), Some(3));
        assert!(a.sat("odd").is_err());
        assert_eq!(a.msat("n").unwrap(), Some(Amount::from_msat(7)));
        assert_eq!(a.msat("sat").unwrap(), Some(Amount::from_msat(3000)));
        assert!(a.msat("empty").is_err());
    }

    #[test]
    fn error_messages_are_cut() {
        let long = format!(r#"{{"error_message":"{}"}}"#, "é".repeat(3000));
        let (text, note) = answer(&long).error_message().unwrap();
        assert_eq!(text.unwrap().len(), 4096);
        assert_eq!(note.unwrap(), "error_message was cut to 4096 of 6000 bytes");
        let none = answer(r#"{"error_message":null}"#).error_message();
        assert_eq!(none.unwrap(), (None, None));
        assert!(answer(r#"{"error_message":7}"#).error_message().is_err());
    }
}
