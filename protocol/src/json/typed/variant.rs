//! The variants of an enum: the name alone, or an object of one member.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, Unexpected, VariantAccess,
    Visitor,
};

use super::{Misread, Reader};

/// A variant that is a name and nothing else.
pub(super) struct Plain<D>(pub D);

impl<'de, D: Deserializer<'de, Error = Misread>> EnumAccess<'de> for Plain<D> {
    type Error = Misread;
    type Variant = Nothing;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Nothing), Misread> {
        Ok((seed.deserialize(self.0)?, Nothing))
    }
}

/// What is in it.
pub(super) struct Nothing;

#[cold]
fn unit_instead_of(expected: &str) -> Misread {
    Misread::invalid_type(Unexpected::UnitVariant, &expected)
}

impl<'de> VariantAccess<'de> for Nothing {
    type Error = Misread;

    fn unit_variant(self) -> Result<(), Misread> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Misread> {
        Err(unit_instead_of("newtype variant"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Misread> {
        Err(unit_instead_of("tuple variant"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Misread> {
        Err(unit_instead_of("struct variant"))
    }
}

/// The one member of an object: the name says which variant, the value what is in it.
pub(super) struct Only<'a, 'de>(pub &'a mut Reader<'de>);

impl<'de> EnumAccess<'de> for Only<'_, 'de> {
    type Error = Misread;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Misread> {
        let name = seed.deserialize(&mut *self.0)?;
        self.0.pass(b':')?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Only<'_, 'de> {
    type Error = Misread;

    fn unit_variant(self) -> Result<(), Misread> {
        Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misread> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misread> {
        self.0.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        self.0.deserialize_struct("", fields, visitor)
    }
}
