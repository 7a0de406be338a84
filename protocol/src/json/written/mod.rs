//! A value as JSON text, the same that serde_json would write, with strings looked through for
//! what needs an escape many bytes at a time.

mod name;
mod raw;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Number;

use super::{Error, RawStr, plain, raw_value};
use name::{Name, small_numbers};
use raw::Raw;

/// Writes `value` as `serde_json::to_string` does, byte for byte.
///
/// Errors: those of serde_json. The name of a member must be a string, a number or a bool, and
/// a type may refuse to be written.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    let mut text = String::with_capacity(FIRST);
    value.serialize(Writer { text: &mut text })?;
    Ok(text)
}

/// Room for a short text, in bytes.
const FIRST: usize = 128;

/// Room that a long string leaves for what comes after it, in bytes: without it, closing the
/// string would double the room for all that was written.
const AFTER: usize = 64;

/// How serde_json says that it writes a number as text: all of them with its feature
/// `arbitrary_precision`, which some other crate in a guest may ask for.
const NUMBER: &str = "$serde_json::private::Number";

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && super::from_str::<RawStr>(text).is_ok_and(|value| value.get().len() == text.len())
}

struct Writer<'a> {
    text: &'a mut String,
}

/// Adds `value` to `text` as a JSON string.
#[inline(never)]
pub fn push_string(text: &mut String, value: &str) {
    text.reserve(value.len() + AFTER);
    text.push('"');
    let mut rest = value;
    // What is not plain is one byte long.
    while let Some((run, more)) = rest.split_at_checked(plain(rest.as_bytes())) {
        text.push_str(run);
        let Some(special) = more.chars().next() else {
            break;
        };
        escape(text, special);
        rest = more.get(special.len_utf8()..).unwrap_or_default();
    }
    text.push('"');
}

fn escape(text: &mut String, special: char) {
    match special {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\u{8}' => text.push_str("\\b"),
        '\t' => text.push_str("\\t"),
        '\n' => text.push_str("\\n"),
        '\u{c}' => text.push_str("\\f"),
        '\r' => text.push_str("\\r"),
        control => {
            text.push_str("\\u00");
            for digit in [control as u32 >> 4, control as u32 & 0xf] {
                text.extend(char::from_digit(digit, 16));
            }
        }
    }
}

/// A number, as serde_json writes it.
#[inline(never)]
fn float(text: &mut String, value: f64) {
    match Number::from_f64(value) {
        Some(number) => text.push_str(&number.to_string()),
        None => text.push_str("null"),
    }
}

/// The same of one that has fewer digits.
#[inline(never)]
fn single(text: &mut String, value: f32) {
    // Nothing of it can fail.
    text.push_str(&serde_json::to_string(&value).unwrap_or_default());
}

/// Adds `value` to `text` in decimal digits.
#[inline(never)]
pub(crate) fn push_unsigned(text: &mut String, mut value: u64) {
    let mut digits = [b'0'; 20];
    let mut from = digits.len();
    loop {
        from -= 1;
        if let Some(digit) = digits.get_mut(from) {
            *digit = b'0' + (value % 10) as u8;
        }
        value /= 10;
        if value == 0 {
            break;
        }
    }
    let written = digits.get(from..).unwrap_or_default();
    text.extend(written.iter().map(|digit| char::from(*digit)));
}

/// Adds `value` to `text` in decimal digits.
pub(crate) fn push_signed(text: &mut String, value: i64) {
    if value < 0 {
        text.push('-');
    }
    push_unsigned(text, value.unsigned_abs());
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Items<'a>;
    type SerializeStruct = Items<'a>;
    type SerializeStructVariant = Items<'a>;

    small_numbers! {
        (serialize_i8 i8 => serialize_i64), (serialize_i16 i16 => serialize_i64),
        (serialize_i32 i32 => serialize_i64), (serialize_u8 u8 => serialize_u64),
        (serialize_u16 u16 => serialize_u64), (serialize_u32 u32 => serialize_u64)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.text.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        push_signed(self.text, value);
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        push_unsigned(self.text, value);
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.text.push_str(&value.to_string());
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.text.push_str(&value.to_string());
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        single(self.text, value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        float(self.text, value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        push_string(self.text, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.text.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    // The name is known where the compiler makes this of it: there one of both ways is left.
    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match name {
            raw_value::TOKEN => value.serialize(Raw { text: self.text }),
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        begin_variant(self.text, variant);
        value.serialize(Writer {
            text: &mut *self.text,
        })?;
        self.text.push('}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, Error> {
        Ok(Items::begin(self.text, "[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'a>, Error> {
        Ok(Items::begin(self.text, "[", "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'a>, Error> {
        Ok(Items::begin(self.text, "[", "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'a>, Error> {
        begin_variant(self.text, variant);
        Ok(Items::begin(self.text, "[", "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'a>, Error> {
        Ok(Items::begin(self.text, "{", "}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Items<'a>, Error> {
        Ok(match name {
            raw_value::TOKEN | NUMBER => Items::begin(self.text, "", ""),
            _ => Items::begin(self.text, "{", "}"),
        })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'a>, Error> {
        begin_variant(self.text, variant);
        Ok(Items::begin(self.text, "{", "}}"))
    }
}

fn begin_variant(text: &mut String, variant: &str) {
    text.push('{');
    push_string(text, variant);
    text.push(':');
}

/// What is inside brackets or braces.
pub(crate) struct Items<'a> {
    text: &'a mut String,
    first: bool,
    end: &'static str,
}

impl<'a> Items<'a> {
    pub(crate) fn begin(text: &'a mut String, begin: &str, end: &'static str) -> Self {
        text.push_str(begin);
        Items {
            text,
            first: true,
            end,
        }
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.text.push(',');
        }
    }

    /// Where the next element is to be written.
    pub(crate) fn element(&mut self) -> &mut String {
        self.comma();
        self.text
    }

    /// A name, and where its value is to be written.
    pub(crate) fn name(&mut self, name: &str) -> &mut String {
        self.comma();
        push_string(self.text, name);
        self.text.push(':');
        self.text
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Writer {
            text: self.element(),
        })
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        value.serialize(Writer {
            text: self.name(name),
        })
    }

    pub(crate) fn finish(self) {
        self.text.push_str(self.end);
    }
}

macro_rules! items {
    ($($trait:ident $method:ident),*) => {
        $(
            impl $trait for Items<'_> {
                type Ok = ();
                type Error = Error;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                    self.item(value)
                }

                fn end(self) -> Result<(), Error> {
                    self.finish();
                    Ok(())
                }
            }
        )*
    };
}

items! {
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field
}

impl SerializeMap for Items<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.comma();
        key.serialize(Name {
            text: &mut *self.text,
        })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.text.push(':');
        value.serialize(Writer {
            text: &mut *self.text,
        })
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl SerializeStruct for Items<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if !self.end.is_empty() {
            return self.member(name, value);
        }
        let begin = self.text.len();
        value.serialize(Raw {
            text: &mut *self.text,
        })?;
        let written = self.text.get(begin..).unwrap_or_default();
        match name == NUMBER && !is_number(written) {
            true => Err(Error::custom("invalid number")),
            false => Ok(()),
        }
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl SerializeStructVariant for Items<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
