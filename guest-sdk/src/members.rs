//! The members of one JSON object in their order.

use std::fmt;
use std::marker::PhantomData;

use cln_protocol::json::{self, RawStr};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// The members of a JSON object in their order, also those whose name is there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members<T>(Vec<(String, T)>);

impl<T> Members<T> {
    /// The value of this name; the last one, where there are several.
    pub fn get(&self, name: &str) -> Option<&T> {
        let mut found = self.iter().filter(|(known, _)| *known == name);
        found.next_back().map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn push(&mut self, name: String, value: T) {
        self.0.push((name, value));
    }

    pub(crate) fn set(&mut self, name: &str, value: Option<T>) -> Option<T> {
        let known = self.0.iter().rposition(|(known, _)| known == name);
        match (known, value) {
            (Some(at), Some(value)) => Some(std::mem::replace(&mut self.0[at].1, value)),
            (Some(at), None) => Some(self.0.remove(at).1),
            (None, Some(value)) => {
                self.push(name.to_owned(), value);
                None
            }
            (None, None) => None,
        }
    }

    pub(crate) fn into_vec(self) -> Vec<(String, T)> {
        self.0
    }
}

/// The members of the object that `text` is.
// One function, for whatever is in them: every guest has it.
#[inline(never)]
pub(crate) fn raw(text: &str) -> Result<Vec<(String, RawStr<'_>)>, json::Error> {
    json::from_str::<Members<RawStr<'_>>>(text).map(Members::into_vec)
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Members(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Collect<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use cln_protocol::json;

    use super::*;

    #[test]
    fn the_last_of_a_name_counts() {
        let mut members: Members<u8> = json::from_str(r#"{"b":1,"a":2,"b":3}"#).unwrap();
        assert_eq!((members.get("b"), members.get("c")), (Some(&3), None));
        let all: Vec<_> = members.iter().collect();
        assert_eq!(all, [("b", &1), ("a", &2), ("b", &3)]);

        assert_eq!(members.set("a", Some(4)), Some(2));
        assert_eq!(members.set("c", Some(5)), None);
        assert_eq!((members.get("a"), members.get("c")), (Some(&4), Some(&5)));
        assert_eq!(members.set("c", None), Some(5));
        assert_eq!(members.set("c", None), None);
        assert!(json::from_str::<Members<u8>>("[]").is_err());
    }
}
