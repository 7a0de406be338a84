//! One member of a manifest while it is read: the value and the path to it.

use super::bounds;
use super::error::{ManifestError, quoted};
use serde_json::{Map, Value};

/// A value and where it is.
#[derive(Clone)]
pub(super) struct Field<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    /// The whole manifest.
    pub(super) fn root(value: &'a Value) -> Self {
        Field {
            path: String::new(),
            value,
        }
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// An error about this value.
    pub(super) fn refuse(&self, allowed: impl Into<String>) -> ManifestError {
        self.refuse_as(quoted(&self.value.to_string()), allowed)
    }

    /// An error about this value, in other words than the value's own.
    pub(super) fn refuse_as(
        &self,
        got: impl Into<String>,
        allowed: impl Into<String>,
    ) -> ManifestError {
        let member = match self.path.as_str() {
            "" => "manifest",
            path => path,
        };
        ManifestError::new(member, got, allowed)
    }

    pub(super) fn boolean(&self) -> Result<bool, ManifestError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.refuse("true or false"))
    }

    /// Text for people: at most so many bytes, and no control characters but newline,
    /// return and tab. lightningd passes these texts on without unescaping them, and
    /// cannot unescape `\u`, which most others need, at all.
    pub(super) fn text(&self, most: usize) -> Result<&'a str, ManifestError> {
        self.text_of(self.value, most)
    }

    /// The same for a value inside this one.
    pub(super) fn text_of(&self, value: &'a Value, most: usize) -> Result<&'a str, ManifestError> {
        let text = value.as_str().ok_or_else(|| self.refuse("a string"))?;
        if text.len() > most {
            return Err(self.refuse_as(
                format!("{} bytes", text.len()),
                format!("at most {most} bytes"),
            ));
        }
        if text
            .chars()
            .any(|c| c.is_control() && !"\n\r\t".contains(c))
        {
            return Err(self.refuse("no control characters other than newline, return and tab"));
        }
        Ok(text)
    }

    /// The name of a method or topic: what lightningd, `lightning-cli` and a log
    /// line can all take.
    pub(super) fn name(&self) -> Result<&'a str, ManifestError> {
        const ALLOWED: &str =
            "1 to 64 printable ASCII characters without space, quotes or backslash";
        let name = self.value.as_str().ok_or_else(|| self.refuse("a string"))?;
        let good = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'`' | b'\\');
        if name.is_empty() || name.len() > bounds::NAME_BYTES || !name.bytes().all(good) {
            return Err(self.refuse(ALLOWED));
        }
        Ok(name)
    }

    /// The elements of an array of at most so many.
    pub(super) fn elements(&self, most: usize) -> Result<Vec<Field<'a>>, ManifestError> {
        let Value::Array(array) = self.value else {
            return Err(self.refuse("an array"));
        };
        if array.len() > most {
            return Err(self.refuse_as(
                format!("{} entries", array.len()),
                format!("at most {most} entries"),
            ));
        }
        let element = |(at, value)| Field {
            path: format!("{}[{at}]", self.path),
            value,
        };
        Ok(array.iter().enumerate().map(element).collect())
    }

    /// The members of an object.
    pub(super) fn members(&self) -> Result<Members<'a>, ManifestError> {
        match self.value {
            Value::Object(map) => Ok(Members {
                path: self.path.clone(),
                map,
            }),
            _ => Err(self.refuse("an object")),
        }
    }
}

/// An object and where it is.
pub(super) struct Members<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    fn path_of(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Field<'a>> {
        self.map.get(name).map(|value| Field {
            path: self.path_of(name),
            value,
        })
    }

    pub(super) fn required(&self, name: &str, allowed: &str) -> Result<Field<'a>, ManifestError> {
        self.get(name)
            .ok_or_else(|| ManifestError::new(self.path_of(name), "missing", allowed))
    }

    /// Adds the members that are none of the known ones to a list for the log.
    pub(super) fn note_unknown(&self, known: &[&str], unknown: &mut Vec<String>) {
        for name in self.map.keys() {
            if unknown.len() < bounds::UNKNOWN && !known.contains(&name.as_str()) {
                unknown.push(quoted(&self.path_of(name)));
            }
        }
    }
}
