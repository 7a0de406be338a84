//! The names of a map's members.

use serde::ser::{Error as _, Impossible, Serialize, Serializer};

use super::{float, push_signed, push_string, push_unsigned, single};
use crate::json::Error;

/// Defines the methods of a serializer for small numbers by those for large ones.
macro_rules! small_numbers {
    ($(($method:ident $type:ty => $whole:ident)),*) => {
        $(
            fn $method(self, value: $type) -> Result<(), Error> {
                self.$whole(value.into())
            }
        )*
    };
}

/// Defines the methods of a serializer that takes no containers and nothing of these types.
macro_rules! refused {
    ($refusal:expr, $(($method:ident $type:ty)),*) => {
        type Ok = ();
        type Error = Error;
        type SerializeSeq = Impossible<(), Error>;
        type SerializeTuple = Impossible<(), Error>;
        type SerializeTupleStruct = Impossible<(), Error>;
        type SerializeTupleVariant = Impossible<(), Error>;
        type SerializeMap = Impossible<(), Error>;
        type SerializeStruct = Impossible<(), Error>;
        type SerializeStructVariant = Impossible<(), Error>;

        $(
            fn $method(self, _: $type) -> Result<(), Error> {
                Err($refusal)
            }
        )*

        fn serialize_none(self) -> Result<(), Error> {
            Err($refusal)
        }

        fn serialize_unit(self) -> Result<(), Error> {
            Err($refusal)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<(), Error> {
            Err($refusal)
        }

        fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
            Err($refusal)
        }

        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
            Err($refusal)
        }

        fn serialize_tuple_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleStruct, Error> {
            Err($refusal)
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, Error> {
            Err($refusal)
        }

        fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
            Err($refusal)
        }

        fn serialize_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStruct, Error> {
            Err($refusal)
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, Error> {
            Err($refusal)
        }
    };
}

pub(super) use {refused, small_numbers};

/// The name of a member of a map: numbers are put into quotes.
pub(super) struct Name<'a> {
    pub text: &'a mut String,
}

impl Name<'_> {
    fn quoted(self, write: impl FnOnce(&mut String)) -> Result<(), Error> {
        self.text.push('"');
        write(self.text);
        self.text.push('"');
        Ok(())
    }
}

impl Serializer for Name<'_> {
    refused! {
        Error::custom("key must be a string"),
        (serialize_bytes &[u8]), (serialize_unit_struct &'static str)
    }
    small_numbers! {
        (serialize_i8 i8 => serialize_i64), (serialize_i16 i16 => serialize_i64),
        (serialize_i32 i32 => serialize_i64), (serialize_u8 u8 => serialize_u64),
        (serialize_u16 u16 => serialize_u64), (serialize_u32 u32 => serialize_u64)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.quoted(|text| text.push_str(if value { "true" } else { "false" }))
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.quoted(|text| push_signed(text, value))
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        self.quoted(|text| push_unsigned(text, value))
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.quoted(|text| text.push_str(&value.to_string()))
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.quoted(|text| text.push_str(&value.to_string()))
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        if !value.is_finite() {
            return Err(Error::custom(
                "float key must be finite (got NaN or +/-inf)",
            ));
        }
        self.quoted(|text| single(text, value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return Err(Error::custom(
                "float key must be finite (got NaN or +/-inf)",
            ));
        }
        self.quoted(|text| float(text, value))
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        push_string(self.text, value);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }
}
