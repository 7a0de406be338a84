//! `hooks`: the hooks that a plugin registers (`plugin_hooks_add` in
//! `lightningd/plugin.c`, `plugin_hook_register` in `lightningd/plugin_hook.c`).

use super::written::Written;
use crate::json;

/// One hook, and where in its chain the plugin wants to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HookRegistration {
    /// The hook's name.
    pub name: String,
    /// File names or paths of plugins that are asked after this one. Names that
    /// nobody has are ignored.
    pub before: Vec<String>,
    /// File names or paths of plugins that are asked before this one.
    pub after: Vec<String>,
    /// The events that the plugin is asked about: None is all, an empty list none.
    /// Only for `rpc_command` and `custommsg`, from v25.12.
    pub filters: Option<HookFilters>,
}

/// Which events of a hook a plugin wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookFilters {
    /// `rpc_command`: exact names of methods.
    Methods(Vec<String>),
    /// `custommsg`: message types. Types above 65535 never come.
    MessageTypes(Vec<u64>),
}

impl HookRegistration {
    /// A hook without wishes.
    pub fn named(name: impl Into<String>) -> Self {
        HookRegistration {
            name: name.into(),
            ..HookRegistration::default()
        }
    }

    #[inline(never)]
    pub(super) fn write(&self, text: &mut String) {
        Written::object(text, |written| {
            written.texts("after", &self.after);
            written.texts("before", &self.before);
            // An empty list is not no list.
            match &self.filters {
                None => {}
                Some(HookFilters::Methods(names)) => {
                    Written::array(written.member("filters"), names, |name, text| {
                        json::push_string(text, name);
                    });
                }
                Some(HookFilters::MessageTypes(types)) => {
                    Written::array(written.member("filters"), types, |number, text| {
                        json::push_unsigned(text, *number);
                    });
                }
            }
            written.text("name", &self.name);
        });
    }
}

#[cfg(feature = "host")]
mod read {
    use super::{HookFilters, HookRegistration};
    use crate::manifest::bounds;
    use crate::manifest::error::ManifestError;
    use crate::manifest::field::{Field, Members};
    use crate::manifest::parse::Lightningd;
    use crate::native;

    pub(in crate::manifest) fn hooks(
        manifest: &Members,
        node: &Lightningd,
        unknown: &mut Vec<String>,
    ) -> Result<Vec<HookRegistration>, ManifestError> {
        let mut hooks: Vec<HookRegistration> = Vec::new();
        let Some(field) = manifest.get("hooks") else {
            return Ok(hooks);
        };
        for entry in field.elements(bounds::HOOKS)? {
            let name = if entry.value().is_string() {
                entry.clone()
            } else if entry.value().is_object() {
                entry.members()?.required("name", "the hook's name")?
            } else {
                return Err(
                    entry.refuse("a hook's name, or an object with name, before, after, filters")
                );
            };
            let mut hook = HookRegistration::named(known_name(&name, node)?);
            if hooks.iter().any(|other| other.name == hook.name) {
                return Err(name.refuse("each hook once"));
            }
            if entry.value().is_object() {
                let members = entry.members()?;
                members.note_unknown(&["name", "before", "after", "filters"], unknown);
                hook.before = neighbours(members.get("before"))?;
                hook.after = neighbours(members.get("after"))?;
                if let Some(both) = hook.before.iter().find(|name| hook.after.contains(name)) {
                    return Err(entry.refuse_as(
                        format!("{both:?} both in before and in after"),
                        "an order that can be met",
                    ));
                }
                hook.filters = filters(&hook.name, members.get("filters"))?;
            }
            hooks.push(hook);
        }
        Ok(hooks)
    }

    fn known_name(field: &Field, node: &Lightningd) -> Result<String, ManifestError> {
        match field.value().as_str() {
            Some(name) if native::hooks(node.version).any(|known| known == name) => {
                Ok(name.to_owned())
            }
            _ => {
                let names: Vec<_> = native::hooks(node.version).collect();
                Err(field.refuse(names.join(", ")))
            }
        }
    }

    fn neighbours(field: Option<Field>) -> Result<Vec<String>, ManifestError> {
        let Some(field) = field else {
            return Ok(Vec::new());
        };
        let name = |name: Field| match name.text(bounds::NEIGHBOUR_BYTES)? {
            "" => Err(name.refuse("the file name or path of a plugin")),
            text => Ok(text.to_owned()),
        };
        field
            .elements(bounds::NEIGHBOURS)?
            .into_iter()
            .map(name)
            .collect()
    }

    fn filters(hook: &str, field: Option<Field>) -> Result<Option<HookFilters>, ManifestError> {
        let Some(field) = field else {
            return Ok(None);
        };
        let entries = || field.elements(bounds::FILTERS);
        match hook {
            "rpc_command" => {
                let names = entries()?
                    .into_iter()
                    .map(|entry| entry.name().map(str::to_owned));
                Ok(Some(HookFilters::Methods(names.collect::<Result<_, _>>()?)))
            }
            "custommsg" => {
                let types = entries()?.into_iter().map(|entry| {
                    entry
                        .value()
                        .as_u64()
                        .ok_or_else(|| entry.refuse("an unsigned integer, a message type"))
                });
                Ok(Some(HookFilters::MessageTypes(
                    types.collect::<Result<_, _>>()?,
                )))
            }
            _ => Err(field.refuse(format!(
                "filters with rpc_command and custommsg only, not with {hook}"
            ))),
        }
    }
}

#[cfg(feature = "host")]
pub(super) use read::hooks as read;
