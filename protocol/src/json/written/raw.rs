//! Text that is JSON already.

use serde::ser::{Error as _, Impossible, Serialize, Serializer};

use super::AFTER;
use super::name::refused;
use crate::json::Error;

/// Text that is JSON already.
pub(super) struct Raw<'a> {
    pub text: &'a mut String,
}

impl Serializer for Raw<'_> {
    refused! {
        Error::custom("expected RawValue"),
        (serialize_bool bool), (serialize_char char), (serialize_bytes &[u8]),
        (serialize_i8 i8), (serialize_i16 i16), (serialize_i32 i32), (serialize_i64 i64),
        (serialize_u8 u8), (serialize_u16 u16), (serialize_u32 u32), (serialize_u64 u64),
        (serialize_f32 f32), (serialize_f64 f64), (serialize_unit_struct &'static str)
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.text.reserve(value.len() + AFTER);
        self.text.push_str(value);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Error> {
        Err(Error::custom("expected RawValue"))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Error> {
        Err(Error::custom("expected RawValue"))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(Error::custom("expected RawValue"))
    }
}
