//! An object on its way from one shape to another.

use crate::primitives::Amount;
use serde_json::{Map, Value};

/// An object, and whether anything in it has changed.
pub(super) struct Shape<'a> {
    map: &'a mut Map<String, Value>,
    changed: &'a mut bool,
}

impl<'a> Shape<'a> {
    pub(super) fn new(map: &'a mut Map<String, Value>, changed: &'a mut bool) -> Self {
        Shape { map, changed }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.map.get(name).and_then(Value::as_str)
    }

    /// A member that is an object.
    pub(super) fn object(&mut self, name: &str) -> Option<Shape<'_>> {
        match self.map.get_mut(name) {
            Some(Value::Object(map)) => Some(Shape {
                map,
                changed: self.changed,
            }),
            _ => None,
        }
    }

    /// Does this to each object in a member that is an array.
    pub(super) fn each(&mut self, name: &str, change: impl Fn(&mut Shape<'_>)) {
        if let Some(Value::Array(values)) = self.map.get_mut(name) {
            for value in values {
                if let Value::Object(map) = value {
                    change(&mut Shape::new(map, self.changed));
                }
            }
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.map.insert(name.to_owned(), value);
        *self.changed = true;
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        let value = self.map.remove(name)?;
        *self.changed = true;
        Some(value)
    }

    pub(super) fn remove_if(&mut self, name: &str, unwanted: impl Fn(&Value) -> bool) {
        if self.get(name).is_some_and(unwanted) {
            self.remove(name);
        }
    }

    /// Today's name for a member. Where both are there, today's stays.
    pub(super) fn rename(&mut self, old: &str, new: &str) {
        if let Some(value) = self.remove(old)
            && !self.has(new)
        {
            self.set(new, value);
        }
    }

    /// An amount under today's name, as an integer in msat.
    pub(super) fn amount(&mut self, old: &str, new: &str) {
        self.rename(old, new);
        self.amount_to_integer(new);
    }

    /// All amounts that have today's names already: integers instead of `"1000msat"`.
    pub(super) fn amounts_to_integers(&mut self) {
        let is_amount = |name: &&String| *name == "msat" || name.ends_with("_msat");
        let names: Vec<String> = self.map.keys().filter(is_amount).cloned().collect();
        for name in names {
            self.amount_to_integer(&name);
        }
    }

    fn amount_to_integer(&mut self, name: &str) {
        let amount = self.text(name).and_then(|text| text.parse::<Amount>().ok());
        if let Some(amount) = amount {
            self.set(name, amount.msat().into());
        }
    }
}

/// Whether this is an amount of nothing, in any form.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::String(text) => text.parse() == Ok(Amount::ZERO),
        other => other.as_u64() == Some(0),
    }
}
