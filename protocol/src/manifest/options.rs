//! `options`: what a plugin adds to lightningd's command line
//! (`plugin_opt_add` in `lightningd/plugin.c`).

use super::deprecated::Deprecated;
use super::option_value::OptionValue;
use super::written::Written;

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OptionType {
    /// Any text.
    #[default]
    String,
    /// Any text, kept out of `listconfigs` (from v24.11).
    StringConceal,
    /// A signed integer of 64 bits.
    Int,
    /// `true` or `false`.
    Bool,
    /// Nothing: it is given or not.
    Flag,
}

impl OptionType {
    /// All of them.
    pub const ALL: [OptionType; 5] = [
        OptionType::String,
        OptionType::StringConceal,
        OptionType::Int,
        OptionType::Bool,
        OptionType::Flag,
    ];

    /// Its name in a manifest.
    pub const fn name(self) -> &'static str {
        match self {
            OptionType::String => "string",
            OptionType::StringConceal => "string-conceal",
            OptionType::Int => "int",
            OptionType::Bool => "bool",
            OptionType::Flag => "flag",
        }
    }
}

/// One option.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OptionSpec {
    /// Without the leading `--`. Lower-case letters, digits, `_` and `-`.
    pub name: String,
    /// What it takes.
    pub option_type: OptionType,
    /// For `lightningd --help`.
    pub description: String,
    /// The value where the operator gives none: a single one, also with `multi`.
    /// None for a flag.
    pub default: Option<OptionValue>,
    /// Whether it may be given several times: strings and ints only.
    pub multi: bool,
    /// Whether `setconfig` may change it (from v23.08).
    pub dynamic: bool,
    /// Whether it is on its way out.
    pub deprecated: Deprecated,
}

impl OptionSpec {
    #[inline(never)]
    pub(super) fn write(&self, with_default: bool, text: &mut String) {
        Written::object(text, |written| {
            if let Some(default) = self.default.as_ref().filter(|_| with_default) {
                default.write(written.member("default"));
            }
            self.deprecated.write(written);
            written.text("description", &self.description);
            for (name, set) in [("dynamic", self.dynamic), ("multi", self.multi)] {
                if set {
                    written.bool(name, true);
                }
            }
            written.text("name", &self.name);
            written.text("type", self.option_type.name());
        });
    }
}

#[cfg(feature = "host")]
mod read {
    use super::{Deprecated, OptionSpec, OptionType, OptionValue};
    use crate::manifest::bounds;
    use crate::manifest::error::ManifestError;
    use crate::manifest::field::{Field, Members};
    use crate::manifest::parse::Lightningd;
    use crate::native;
    use serde_json::Value;

    const KNOWN: &[&str] = &[
        "name",
        "type",
        "description",
        "default",
        "multi",
        "dynamic",
        "deprecated",
    ];

    pub(in crate::manifest) fn options(
        manifest: &Members,
        node: &Lightningd,
        unknown: &mut Vec<String>,
    ) -> Result<Vec<OptionSpec>, ManifestError> {
        let mut options: Vec<OptionSpec> = Vec::new();
        let Some(field) = manifest.get("options") else {
            return Ok(options);
        };
        for entry in field.elements(bounds::OPTIONS)? {
            let members = entry.members()?;
            members.note_unknown(KNOWN, unknown);
            let name = members.required("name", "the option's name")?;
            let option = option(&members, &name)?;
            if options.iter().any(|other| other.name == option.name) {
                return Err(name.refuse("each option once"));
            }
            if let Some(owner) = native::options::owner(&option.name)
                && node.has(owner)
            {
                return Err(name.refuse(format!(
                    "a name that {owner} does not have already, here or in an earlier release"
                )));
            }
            options.push(option);
        }
        Ok(options)
    }

    fn option(members: &Members, name: &Field) -> Result<OptionSpec, ManifestError> {
        let option_type = option_type(&members.required("type", &type_names())?)?;
        let description = members.required("description", "a string")?;
        let flag = |member: &str| {
            members
                .get(member)
                .map_or(Ok(false), |field| field.boolean())
        };
        let mut option = OptionSpec {
            name: option_name(name)?,
            option_type,
            description: description.text(bounds::DESCRIPTION_BYTES)?.to_owned(),
            default: None,
            multi: flag("multi")?,
            dynamic: flag("dynamic")?,
            deprecated: Deprecated::read(members)?,
        };
        if option.multi && matches!(option_type, OptionType::Bool | OptionType::Flag) {
            let field = members.required("multi", "false")?;
            return Err(field.refuse(format!(
                "multi with string and int only, not with {}",
                option_type.name()
            )));
        }
        if let Some(field) = members.get("default") {
            option.default = default(&option, &field)?;
        }
        Ok(option)
    }

    fn type_names() -> String {
        OptionType::ALL.map(OptionType::name).join(", ")
    }

    fn option_type(field: &Field) -> Result<OptionType, ManifestError> {
        OptionType::ALL
            .into_iter()
            .find(|option_type| field.value() == option_type.name())
            .ok_or_else(|| field.refuse(type_names()))
    }

    fn option_name(field: &Field) -> Result<String, ManifestError> {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        match field.value().as_str() {
            // An empty name would end lightningd (`check_opt` of ccan's opt).
            Some(name)
                if (1..=bounds::NAME_BYTES).contains(&name.len()) && name.bytes().all(good) =>
            {
                Ok(name.to_owned())
            }
            _ => Err(field.refuse("1 to 64 lower-case letters, digits, _ and -")),
        }
    }

    /// The default as a value of the option's type. v0.8.2 wants strings for all
    /// types; lightningd takes any literal for a string and any default for a flag.
    fn default(option: &OptionSpec, field: &Field) -> Result<Option<OptionValue>, ManifestError> {
        let value = match field.value() {
            Value::Null => return Ok(None),
            Value::Array(values) if option.multi => match values.as_slice() {
                [] => return Ok(None),
                [value] => value,
                _ => return Err(field.refuse("a single value: lightningd keeps no more for multi")),
            },
            value => value,
        };
        match (option.option_type, value) {
            (OptionType::Flag, Value::Bool(false)) => Ok(None),
            (OptionType::Flag, Value::String(text)) if text.is_empty() || text == "false" => {
                Ok(None)
            }
            (OptionType::Flag, _) => Err(field.refuse("no default other than false for a flag")),
            (OptionType::String | OptionType::StringConceal, Value::Number(_) | Value::Bool(_)) => {
                Ok(Some(OptionValue::String(value.to_string())))
            }
            (OptionType::String | OptionType::StringConceal, Value::String(_)) => {
                let text = field.text_of(value, bounds::DEFAULT_BYTES)?;
                Ok(Some(OptionValue::String(text.to_owned())))
            }
            _ => option
                .one(value)
                .map(Some)
                .map_err(|error| field.refuse(error.allowed)),
        }
    }
}

#[cfg(feature = "host")]
pub(super) use read::options as read;
