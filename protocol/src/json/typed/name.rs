//! The names of members and variants.

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Text, Unread};

/// What serde_json reads in a way of its own.
macro_rules! left {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unread> {
                Err(Unread)
            }
        )*
    };
}

pub(super) use left;

/// The name of a member.
pub(super) struct Key<'de>(pub Text<'de>);

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Unread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.0.visit(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_enum(Variant(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        if name.starts_with("$serde_json::") {
            return Err(Unread);
        }
        visitor.visit_newtype_struct(self)
    }

    // Numbers and the like as names of members.
    left! {
        deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
        deserialize_bytes deserialize_byte_buf
    }
    forward_to_deserialize_any! {
        char str string identifier ignored_any unit seq map
        unit_struct tuple tuple_struct struct
    }
}

/// The name of a variant.
pub(super) struct Variant<'de>(pub Text<'de>);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Unread;
    type Variant = Nothing;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Nothing), Unread> {
        Ok((seed.deserialize(Key(self.0))?, Nothing))
    }
}

/// What is in a variant.
pub(super) struct Nothing;

impl<'de> VariantAccess<'de> for Nothing {
    type Error = Unread;

    fn unit_variant(self) -> Result<(), Unread> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Unread> {
        Err(Unread)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Unread> {
        Err(Unread)
    }
}
