//! Options: what the operator sets on lightningd's command line or in its config.
//!
//! The type of an option is carried by its const, so that reading it cannot
//! go wrong: `&str` with a default reads as `String`, without one as `Option<String>`.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use cln_protocol::json::{self, RawStr};
use cln_protocol::manifest::{OptionSpec, OptionType, OptionValue};

use crate::deprecated::Deprecated;

/// The option has no default: it reads as an `Option`.
#[derive(Debug, Clone, Copy)]
pub struct NoDefault;

/// Kind `string`.
#[derive(Debug, Clone, Copy)]
pub struct Text;
/// Kind `string-conceal`: lightningd does not show its value.
#[derive(Debug, Clone, Copy)]
pub struct ConcealedText;
/// Kind `int`.
#[derive(Debug, Clone, Copy)]
pub struct Int;
/// Kind `bool`.
#[derive(Debug, Clone, Copy)]
pub struct Bool;
/// Kind `flag`: given or not given.
#[derive(Debug, Clone, Copy)]
pub struct Flag;
/// Several of one kind: `multi`.
#[derive(Debug, Clone, Copy)]
pub struct Multi<K>(PhantomData<K>);

/// A string option. `StringOption` alone has a default, `StringOption<NoDefault>` has none.
pub type StringOption<D = &'static str> = ConfigOption<Text, D>;
/// A string option that lightningd does not show, such as a token.
pub type ConcealedOption<D = &'static str> = ConfigOption<ConcealedText, D>;
/// An integer option: 64 bits, signed.
pub type IntOption<D = i64> = ConfigOption<Int, D>;
/// An option that is `true` or `false`.
pub type BoolOption<D = bool> = ConfigOption<Bool, D>;
/// An option without a value: true where it is given.
pub type FlagOption = ConfigOption<Flag, NoDefault>;
/// A string option that may be given several times. It reads as a `Vec<String>`.
pub type MultiStringOption<D = NoDefault> = ConfigOption<Multi<Text>, D>;
/// An integer option that may be given several times. It reads as a `Vec<i64>`.
pub type MultiIntOption<D = NoDefault> = ConfigOption<Multi<Int>, D>;

/// A string that does not show itself in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Concealed(String);

impl Concealed {
    /// The string itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Concealed(..)")
    }
}

/// One option, made in a const.
///
/// ```
/// use cln_guest::prelude::*;
///
/// const GREETING: StringOption = StringOption::new("greeting", "Whom to greet").default("World");
/// const TOKEN: ConcealedOption<NoDefault> = ConcealedOption::new("token", "Key of the service");
/// const LIMIT: IntOption = IntOption::new("limit", "In sat").default(1_000).dynamic();
/// const LOUD: FlagOption = FlagOption::new("loud", "Shout");
/// const PEERS: MultiStringOption = MultiStringOption::new("friend", "May be given several times");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ConfigOption<K, D> {
    pub(crate) name: &'static str,
    description: &'static str,
    default: D,
    dynamic: bool,
    deprecated: Deprecated,
    kind: PhantomData<K>,
}

impl<K: Kind> ConfigOption<K, NoDefault> {
    /// An option `--name`: lower case letters, digits, `-` and `_`, and no
    /// other option of the node may have that name.
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        ConfigOption {
            name,
            description,
            default: NoDefault,
            dynamic: false,
            deprecated: Deprecated::No,
            kind: PhantomData,
        }
    }
}

macro_rules! defaults {
    ($($kind:ty => $default:ty),*) => {$(
        impl ConfigOption<$kind, NoDefault> {
            /// The value where the operator gives none.
            pub const fn default(self, value: $default) -> ConfigOption<$kind, $default> {
                ConfigOption {
                    name: self.name,
                    description: self.description,
                    default: value,
                    dynamic: self.dynamic,
                    deprecated: self.deprecated,
                    kind: PhantomData,
                }
            }
        }
    )*};
}

defaults! {
    Text => &'static str,
    ConcealedText => &'static str,
    Int => i64,
    Bool => bool,
    Multi<Text> => &'static str,
    Multi<Int> => i64
}

impl<K, D> ConfigOption<K, D> {
    /// The operator may change it while the node runs (`lightning-cli setconfig`).
    pub const fn dynamic(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// Deprecated: refused unless the operator allows deprecated options.
    pub const fn deprecated(mut self, deprecated: Deprecated) -> Self {
        self.deprecated = deprecated;
        self
    }
}

/// What an option's value looks like, in JSON and in Rust.
pub trait Kind: sealed::Sealed + 'static {
    /// One value as the author reads it.
    type Value: Clone + 'static;
    /// lightningd's `type`.
    #[doc(hidden)]
    const TYPE: OptionType;
    #[doc(hidden)]
    const MULTI: bool;
    /// From JSON text; `Err` says what it should be.
    #[doc(hidden)]
    fn read(value: &str) -> Result<Self::Value, &'static str>;
}

/// Reads an option: with what type depends on whether it has a default.
pub trait Readable: Copy + 'static {
    /// What reading yields.
    type Output: 'static;
    #[doc(hidden)]
    fn name(&self) -> &'static str;
    #[doc(hidden)]
    fn declaration(&self) -> OptionSpec;
    #[doc(hidden)]
    fn read(&self, value: Option<&str>) -> Result<Self::Output, &'static str>;
}

impl<K: Kind, D> ConfigOption<K, D> {
    /// What the manifest says about it.
    fn declare(&self, default: Option<OptionValue>) -> OptionSpec {
        OptionSpec {
            name: self.name.to_owned(),
            option_type: K::TYPE,
            description: self.description.to_owned(),
            default,
            multi: K::MULTI,
            dynamic: self.dynamic,
            deprecated: self.deprecated.into(),
        }
    }
}

/// A default as the manifest has it.
trait IntoValue {
    fn into_value(self) -> OptionValue;
}

impl IntoValue for &str {
    fn into_value(self) -> OptionValue {
        OptionValue::String(self.to_owned())
    }
}

impl IntoValue for i64 {
    fn into_value(self) -> OptionValue {
        OptionValue::Int(self)
    }
}

impl IntoValue for bool {
    fn into_value(self) -> OptionValue {
        OptionValue::Bool(self)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Text {}
    impl Sealed for super::ConcealedText {}
    impl Sealed for super::Int {}
    impl Sealed for super::Bool {}
    impl Sealed for super::Flag {}
    impl<K> Sealed for super::Multi<K> {}
}

/// What the JSON text says, in quotes or without: lightningd hands `setconfig` values over as
/// strings.
fn unquoted<T: FromStr>(value: &str) -> Option<T> {
    match value.starts_with('"') {
        true => json::from_str::<String>(value).ok()?.parse().ok(),
        false => value.parse().ok(),
    }
}

impl Kind for Text {
    type Value = String;
    const TYPE: OptionType = OptionType::String;
    const MULTI: bool = false;
    fn read(value: &str) -> Result<String, &'static str> {
        json::from_str(value).map_err(|_| "should be a string")
    }
}

impl Kind for ConcealedText {
    type Value = Concealed;
    const TYPE: OptionType = OptionType::StringConceal;
    const MULTI: bool = false;
    fn read(value: &str) -> Result<Concealed, &'static str> {
        Text::read(value).map(Concealed)
    }
}

impl Kind for Int {
    type Value = i64;
    const TYPE: OptionType = OptionType::Int;
    const MULTI: bool = false;
    fn read(value: &str) -> Result<i64, &'static str> {
        unquoted(value).ok_or("should be an integer")
    }
}

impl Kind for Bool {
    type Value = bool;
    const TYPE: OptionType = OptionType::Bool;
    const MULTI: bool = false;
    fn read(value: &str) -> Result<bool, &'static str> {
        unquoted(value).ok_or("should be 'true' or 'false'")
    }
}

impl Kind for Flag {
    type Value = bool;
    const TYPE: OptionType = OptionType::Flag;
    const MULTI: bool = false;
    fn read(value: &str) -> Result<bool, &'static str> {
        Bool::read(value)
    }
}

impl<K: Kind> Kind for Multi<K> {
    type Value = Vec<K::Value>;
    const TYPE: OptionType = K::TYPE;
    const MULTI: bool = true;
    fn read(value: &str) -> Result<Vec<K::Value>, &'static str> {
        match json::from_str::<Vec<RawStr<'_>>>(value) {
            Ok(values) => values.iter().map(|value| K::read(value.get())).collect(),
            Err(_) => Ok(vec![K::read(value)?]),
        }
    }
}

macro_rules! readable {
    // One value, without a default: an `Option`.
    ($($kind:ty),* ; $($default:ty => $from:expr),*) => {
        $(
            impl Readable for ConfigOption<$kind, NoDefault> {
                type Output = Option<<$kind as Kind>::Value>;
                fn name(&self) -> &'static str {
                    self.name
                }
                fn declaration(&self) -> OptionSpec {
                    self.declare(None)
                }
                fn read(&self, value: Option<&str>) -> Result<Self::Output, &'static str> {
                    value.map(<$kind as Kind>::read).transpose()
                }
            }

            impl Readable for ConfigOption<$kind, $default> {
                type Output = <$kind as Kind>::Value;
                fn name(&self) -> &'static str {
                    self.name
                }
                fn declaration(&self) -> OptionSpec {
                    self.declare(Some(self.default.into_value()))
                }
                fn read(&self, value: Option<&str>) -> Result<Self::Output, &'static str> {
                    match value {
                        Some(value) => <$kind as Kind>::read(value),
                        None => Ok($from(self.default)),
                    }
                }
            }
        )*
    };
}

readable!(Text; &'static str => str::to_owned);
readable!(ConcealedText; &'static str => |text: &str| Concealed(text.to_owned()));
readable!(Int; i64 => std::convert::identity);
readable!(Bool; bool => std::convert::identity);

impl Readable for ConfigOption<Flag, NoDefault> {
    type Output = bool;
    fn name(&self) -> &'static str {
        self.name
    }
    fn declaration(&self) -> OptionSpec {
        self.declare(None)
    }
    fn read(&self, value: Option<&str>) -> Result<bool, &'static str> {
        value.map_or(Ok(false), Flag::read)
    }
}

macro_rules! readable_multi {
    ($kind:ty, $default:ty, $from:expr) => {
        impl Readable for ConfigOption<Multi<$kind>, NoDefault> {
            type Output = Vec<<$kind as Kind>::Value>;
            fn name(&self) -> &'static str {
                self.name
            }
            fn declaration(&self) -> OptionSpec {
                self.declare(None)
            }
            fn read(&self, value: Option<&str>) -> Result<Self::Output, &'static str> {
                value.map_or_else(|| Ok(Vec::new()), Multi::<$kind>::read)
            }
        }

        impl Readable for ConfigOption<Multi<$kind>, $default> {
            type Output = Vec<<$kind as Kind>::Value>;
            fn name(&self) -> &'static str {
                self.name
            }
            fn declaration(&self) -> OptionSpec {
                self.declare(Some(self.default.into_value()))
            }
            fn read(&self, value: Option<&str>) -> Result<Self::Output, &'static str> {
                match value {
                    Some(value) => Multi::<$kind>::read(value),
                    None => Ok(vec![$from(self.default)]),
                }
            }
        }
    };
}

readable_multi!(Text, &'static str, str::to_owned);
readable_multi!(Int, i64, std::convert::identity);

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: StringOption = StringOption::new("name", "d").default("World");
    const BARE: StringOption<NoDefault> = StringOption::new("bare", "d");
    const INT: IntOption = IntOption::new("int", "d").default(-3).dynamic();
    const YES: BoolOption = BoolOption::new("yes", "d").default(true);
    const FLAG: FlagOption = FlagOption::new("flag", "d");
    const MANY: MultiIntOption = MultiIntOption::new("many", "d");
    const FEW: MultiStringOption<&str> = MultiStringOption::new("few", "d").default("one");
    const TOKEN: ConcealedOption<NoDefault> = ConcealedOption::new("token", "d");

    #[test]
    fn what_is_absent_reads_as_the_default_or_none() {
        assert_eq!(NAME.read(None).unwrap(), "World");
        assert_eq!(BARE.read(None).unwrap(), None);
        assert_eq!(INT.read(None).unwrap(), -3);
        assert!(YES.read(None).unwrap());
        assert!(!FLAG.read(None).unwrap());
        assert_eq!(MANY.read(None).unwrap(), Vec::<i64>::new());
        assert_eq!(FEW.read(None).unwrap(), ["one"]);
    }

    #[test]
    fn what_is_given_reads_as_its_type() {
        assert_eq!(BARE.read(Some(r#""x""#)).unwrap().as_deref(), Some("x"));
        assert_eq!(INT.read(Some(&format!("{}", i64::MIN))).unwrap(), i64::MIN);
        assert_eq!(INT.read(Some(r#""7""#)).unwrap(), 7);
        assert!(!YES.read(Some(r#""false""#)).unwrap());
        assert!(FLAG.read(Some("true")).unwrap());
        assert_eq!(MANY.read(Some("[1, 2]")).unwrap(), [1, 2]);
        assert_eq!(FEW.read(Some(r#""alone""#)).unwrap(), ["alone"]);
        let token = TOKEN.read(Some(r#""hush""#)).unwrap().unwrap();
        assert_eq!(token.reveal(), "hush");
        assert_eq!(format!("{token:?}"), "Concealed(..)");
    }

    #[test]
    fn another_type_is_refused() {
        assert!(NAME.read(Some("1")).is_err());
        assert!(INT.read(Some(r#""x""#)).is_err());
        assert!(INT.read(Some("1.5")).is_err());
        assert!(YES.read(Some(r#""yes""#)).is_err());
        assert!(MANY.read(Some(r#"[1, "b"]"#)).is_err());
    }
}
