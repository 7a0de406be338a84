//! The fields of a call (`lightningd/runes.c:check_condition`).

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::condition::{Field, json_to_s64};

/// The parameters of a call, one level deep, each as the JSON text that was sent:
/// lightningd does not unescape what it compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Params<'c> {
    /// By name, in the order sent; a name may be there twice.
    Object(Vec<(&'c str, &'c str)>),
    /// By position.
    Array(Vec<&'c str>),
}

impl<'c> Params<'c> {
    /// None if this is neither an object nor an array.
    pub fn read(params: &'c RawValue) -> Option<Params<'c>> {
        serde_json::from_str(params.get()).ok()
    }

    /// How many there are: `pnum`.
    pub fn len(&self) -> usize {
        match self {
            Params::Object(members) => members.len(),
            Params::Array(items) => items.len(),
        }
    }

    /// The value behind a field such as `pnameamount_msat` or `parr0`. A name
    /// counts as it is and without its punctuation, and the first one counts.
    pub(super) fn get(&self, field: &str) -> Option<&'c str> {
        match self {
            Params::Object(members) => {
                let wanted = field.strip_prefix("pname")?;
                members
                    .iter()
                    .find(|(name, _)| *name == wanted || is_without_punctuation(name, wanted))
                    .map(|(_, value)| *value)
            }
            Params::Array(items) => {
                let index = field.strip_prefix("parr")?;
                let plain = !index.is_empty()
                    && index.bytes().all(|b| b.is_ascii_digit())
                    && (index == "0" || !index.starts_with('0'));
                items
                    .get(index.parse::<usize>().ok().filter(|_| plain)?)
                    .copied()
            }
        }
    }
}

/// Whether `wanted` is `name` less its ASCII punctuation.
fn is_without_punctuation(name: &str, wanted: &str) -> bool {
    name.chars()
        .filter(|c| !c.is_ascii_punctuation())
        .eq(wanted.chars())
}

/// What is compared: what is between the quotes of a string, as sent; a whole
/// number as a number; the text of anything else.
pub(super) fn field_of(json: &str) -> Field<'_> {
    let text = text_of(json);
    if text.len() == json.len()
        && let Some(n) = json_to_s64(json)
    {
        return Field::Int(n);
    }
    Field::Text(text.as_bytes())
}

/// The text of a JSON token as lightningd holds it.
pub(in crate::policy) fn text_of(json: &str) -> &str {
    json.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(json)
}

impl<'de> Deserialize<'de> for Params<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Params<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    members.push((text_of(name.get()), value.get()));
                }
                Ok(Params::Object(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Params<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(value) = seq.next_element::<&RawValue>()? {
                    items.push(value.get());
                }
                Ok(Params::Array(items))
            }
        }
        deserializer.deserialize_any(Members)
    }
}
