//! Values of options: in `init`, where the operator set them, and in `setconfig`,
//! when the operator changes them.

use super::options::{OptionSpec, OptionType};
use super::written::Written;
use crate::json;
use serde_json::{Value, json};

/// A value of the option's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// `string` and `string-conceal`.
    String(String),
    /// `int`.
    Int(i64),
    /// `bool`, and `flag`: true where it was given.
    Bool(bool),
    /// `string` and `string-conceal` with `multi`.
    Strings(Vec<String>),
    /// `int` with `multi`.
    Ints(Vec<i64>),
}

impl OptionValue {
    /// The same as JSON text.
    pub(super) fn write(&self, text: &mut String) {
        match self {
            OptionValue::String(value) => json::push_string(text, value),
            OptionValue::Int(number) => json::push_signed(text, *number),
            OptionValue::Bool(set) => text.push_str(if *set { "true" } else { "false" }),
            OptionValue::Strings(values) => {
                Written::array(text, values, |value, text| json::push_string(text, value));
            }
            OptionValue::Ints(numbers) => {
                Written::array(text, numbers, |number, text| {
                    json::push_signed(text, *number)
                });
            }
        }
    }

    /// As today's lightningd writes it in `init`.
    pub fn to_value(&self) -> Value {
        match self {
            OptionValue::String(text) => json!(text),
            OptionValue::Int(number) => json!(number),
            OptionValue::Bool(set) => json!(set),
            OptionValue::Strings(texts) => json!(texts),
            OptionValue::Ints(numbers) => json!(numbers),
        }
    }
}

/// A value that the option cannot have. Concealed values are not in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("option {option}: {got} is not {allowed}")]
pub struct OptionError {
    /// The option's name.
    pub option: String,
    /// What came, shortened and escaped.
    pub got: String,
    /// What may come.
    pub allowed: &'static str,
}

const AN_INT: &str =
    "an integer in decimal digits, from -9223372036854775808 to 9223372036854775807";
const A_BOOL: &str = "true, false, yes or no";
const A_STRING: &str = "a string";
const A_LIST: &str = "an array of values";

impl OptionSpec {
    /// A value of `init`: typed as today (`json_add_plugin_val` in
    /// `lightningd/plugin.c`), or the strings of v0.8.2: `"7"`, `"true"`, and `""` for
    /// a flag that was given. With `multi` an array; a single value counts as an
    /// array of one.
    pub fn parse_value(&self, value: &Value) -> Result<OptionValue, OptionError> {
        match (self.option_type, value) {
            (OptionType::Flag, Value::String(text)) if text.is_empty() => {
                Ok(OptionValue::Bool(true))
            }
            _ if self.multi => match value {
                Value::Array(values) => self.many(values),
                single => self.many(std::slice::from_ref(single)),
            },
            _ => self.one(value),
        }
    }

    /// A value of `setconfig`, before lightningd takes it over. lightningd sends
    /// strings, arrays of them with `multi`, nothing for a flag
    /// (`plugin_set_dynamic_opt`), and checks none of them: it writes the value into
    /// its config file once the plugin agrees, ends itself over an int that is no
    /// JSON number, and cannot start again.
    pub fn parse_setconfig(&self, value: Option<&Value>) -> Result<OptionValue, OptionError> {
        match (self.option_type, value) {
            (OptionType::Flag, None) => Ok(OptionValue::Bool(true)),
            (OptionType::Flag, Some(value)) => {
                Err(self.refuse(value, "a flag, which takes no value"))
            }
            (_, None) if self.multi => self.many(&[]),
            (_, None) => Err(self.refuse_as("no value".to_owned(), "a value")),
            (_, Some(Value::Array(values))) if self.multi => self.many(values),
            (_, Some(value)) if self.multi => Err(self.refuse(value, A_LIST)),
            (_, Some(value)) => self.one(value),
        }
    }

    fn many(&self, values: &[Value]) -> Result<OptionValue, OptionError> {
        match self.option_type {
            OptionType::Int => {
                let numbers = values.iter().map(|value| self.int(value));
                Ok(OptionValue::Ints(numbers.collect::<Result<_, _>>()?))
            }
            OptionType::String | OptionType::StringConceal => {
                let texts = values.iter().map(|value| self.string(value));
                Ok(OptionValue::Strings(texts.collect::<Result<_, _>>()?))
            }
            OptionType::Bool | OptionType::Flag => match values {
                [value] => self.one(value),
                _ => Err(self.refuse_as(format!("{} values", values.len()), A_BOOL)),
            },
        }
    }

    pub(super) fn one(&self, value: &Value) -> Result<OptionValue, OptionError> {
        match self.option_type {
            OptionType::String | OptionType::StringConceal => {
                self.string(value).map(OptionValue::String)
            }
            OptionType::Int => self.int(value).map(OptionValue::Int),
            OptionType::Bool | OptionType::Flag => match value {
                Value::Bool(set) => Ok(OptionValue::Bool(*set)),
                Value::String(text) => bool_argument(text)
                    .map(OptionValue::Bool)
                    .ok_or_else(|| self.refuse(value, A_BOOL)),
                _ => Err(self.refuse(value, A_BOOL)),
            },
        }
    }

    fn string(&self, value: &Value) -> Result<String, OptionError> {
        match value {
            Value::String(text) => Ok(text.clone()),
            _ => Err(self.refuse(value, A_STRING)),
        }
    }

    fn int(&self, value: &Value) -> Result<i64, OptionError> {
        let number = match value {
            Value::String(text) => int_argument(text),
            _ => value.as_i64(),
        };
        number.ok_or_else(|| self.refuse(value, AN_INT))
    }

    fn refuse(&self, value: &Value, allowed: &'static str) -> OptionError {
        let got = match self.option_type {
            OptionType::StringConceal => "the value".to_owned(),
            _ => super::error::quoted(&value.to_string()),
        };
        self.refuse_as(got, allowed)
    }

    fn refuse_as(&self, got: String, allowed: &'static str) -> OptionError {
        OptionError {
            option: self.name.clone(),
            got,
            allowed,
        }
    }
}

/// An integer as lightningd and JSON both read it. `strtol` (`opt_set_longval`) takes
/// more: hex, octal, a plus, white space. lightningd then puts the same characters
/// into JSON, or dies at them (`check_literal`).
fn int_argument(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain =
        digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// A bool as `opt_set_bool_arg` reads it. No numbers: lightningd takes none either.
fn bool_argument(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    match () {
        () if is("true") || is("yes") => Some(true),
        () if is("false") || is("no") => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(option_type: OptionType, multi: bool) -> OptionSpec {
        OptionSpec {
            name: "x".into(),
            option_type,
            multi,
            ..OptionSpec::default()
        }
    }

    #[test]
    fn init_values_of_today_and_of_the_seed() {
        use OptionType::*;
        for (option_type, multi, json, value) in [
            (
                String,
                false,
                json!("World"),
                OptionValue::String("World".into()),
            ),
            (
                StringConceal,
                false,
                json!(""),
                OptionValue::String("".into()),
            ),
            (Int, false, json!(7), OptionValue::Int(7)),
            (Int, false, json!("7"), OptionValue::Int(7)),
            (
                Int,
                false,
                json!("-9223372036854775808"),
                OptionValue::Int(i64::MIN),
            ),
            (Int, false, json!(i64::MAX), OptionValue::Int(i64::MAX)),
            (Bool, false, json!(true), OptionValue::Bool(true)),
            (Bool, false, json!("False"), OptionValue::Bool(false)),
            (Flag, false, json!(true), OptionValue::Bool(true)),
            (Flag, false, json!(""), OptionValue::Bool(true)),
            (
                String,
                true,
                json!(["a", "b"]),
                OptionValue::Strings(vec!["a".into(), "b".into()]),
            ),
            (
                String,
                true,
                json!("a"),
                OptionValue::Strings(vec!["a".into()]),
            ),
            (Int, true, json!([1, "2"]), OptionValue::Ints(vec![1, 2])),
        ] {
            let option = option(option_type, multi);
            let parsed = option.parse_value(&json);
            assert_eq!(parsed, Ok(value), "{option_type:?} {json}");
            assert_eq!(
                option.parse_value(&parsed.clone().unwrap().to_value()),
                parsed
            );
        }
    }

    #[test]
    fn other_values_are_refused() {
        use OptionType::*;
        for (option_type, multi, json) in [
            (String, false, json!(7)),
            (String, false, json!(["a"])),
            (Int, false, json!("seven")),
            (Int, false, json!("")),
            (Int, false, json!(1.5)),
            (Int, false, json!(u64::MAX)),
            (Int, false, json!("9223372036854775808")),
            (Bool, false, json!(1)),
            (Bool, false, json!("1")),
            (Bool, false, json!("")),
            (Flag, false, json!(null)),
            (Int, true, json!([1, null])),
            (String, true, json!([["a"]])),
        ] {
            assert!(
                option(option_type, multi).parse_value(&json).is_err(),
                "{option_type:?} {json}"
            );
        }
    }

    /// What `strtol` would take and lightningd could not write down again.
    #[test]
    fn setconfig_takes_only_integers_that_json_can_hold() {
        let int = option(OptionType::Int, false);
        for good in ["0", "-0", "7", "-7", "9223372036854775807"] {
            assert!(int.parse_setconfig(Some(&json!(good))).is_ok(), "{good}");
        }
        for bad in [
            "banana",
            "",
            "-",
            "+7",
            " 7",
            "7 ",
            "0x10",
            "010",
            "1.5",
            "1e3",
            "--7",
            "9223372036854775808",
        ] {
            let error = int.parse_setconfig(Some(&json!(bad))).unwrap_err();
            assert_eq!(error.option, "x", "{bad}");
        }
        assert!(int.parse_setconfig(None).is_err());
        assert!(int.parse_setconfig(Some(&json!(["7"]))).is_err());
    }

    #[test]
    fn setconfig_of_the_other_types() {
        let flag = option(OptionType::Flag, false);
        assert_eq!(flag.parse_setconfig(None), Ok(OptionValue::Bool(true)));
        assert!(flag.parse_setconfig(Some(&json!("true"))).is_err());
        let bool = option(OptionType::Bool, false);
        assert_eq!(
            bool.parse_setconfig(Some(&json!("YES"))),
            Ok(OptionValue::Bool(true))
        );
        assert!(bool.parse_setconfig(Some(&json!("1"))).is_err());
        let ints = option(OptionType::Int, true);
        assert_eq!(
            ints.parse_setconfig(Some(&json!(["1", "2"]))),
            Ok(OptionValue::Ints(vec![1, 2]))
        );
        assert_eq!(
            ints.parse_setconfig(None),
            Ok(OptionValue::Ints(vec![])),
            "clears it"
        );
        assert!(ints.parse_setconfig(Some(&json!("1"))).is_err());
        assert!(ints.parse_setconfig(Some(&json!(["1", "x"]))).is_err());
    }

    #[test]
    fn errors_hide_concealed_values_and_escape_others() {
        let secret = option(OptionType::StringConceal, true);
        let error = secret.parse_setconfig(Some(&json!("hunter2"))).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let error = option(OptionType::Int, false)
            .parse_setconfig(Some(&json!("\u{1b}[2J")))
            .unwrap_err();
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
        assert!(error.to_string().starts_with("option x: "), "{error}");
    }
}
