//! `rpcmethods`: the methods that a plugin adds to lightningd's JSON-RPC
//! (`plugin_rpcmethod_add` in `lightningd/plugin.c`).

use super::deprecated::Deprecated;
use super::written::Written;

/// One method.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RpcMethod {
    /// What callers say. Unique among all methods of the node.
    pub name: String,
    /// The parameters, optional ones in brackets: `amount [label]`.
    pub usage: String,
    /// One line. lightningd before v24.08 asks for it, later ones ignore it.
    pub description: String,
    /// More than one line; as `description` where not given. Ignored since v24.08.
    pub long_description: String,
    /// Heading in `help`. Ignored since v24.08.
    pub category: Option<String>,
    /// Whether it is on its way out.
    pub deprecated: Deprecated,
}

impl RpcMethod {
    #[inline(never)]
    pub(super) fn write(&self, text: &mut String) {
        Written::object(text, |written| {
            if let Some(category) = &self.category {
                written.text("category", category);
            }
            self.deprecated.write(written);
            written.text("description", &self.description);
            if !self.long_description.is_empty() && self.long_description != self.description {
                written.text("long_description", &self.long_description);
            }
            written.text("name", &self.name);
            written.text("usage", &self.usage);
        });
    }
}

#[cfg(feature = "host")]
mod read {
    use super::{Deprecated, RpcMethod};
    use crate::manifest::bounds;
    use crate::manifest::error::ManifestError;
    use crate::manifest::field::{Field, Members};
    use crate::manifest::parse::Lightningd;
    use crate::native;

    const KNOWN: &[&str] = &[
        "name",
        "usage",
        "description",
        "long_description",
        "category",
        "deprecated",
    ];

    pub(in crate::manifest) fn rpcmethods(
        manifest: &Members,
        node: &Lightningd,
        unknown: &mut Vec<String>,
    ) -> Result<Vec<RpcMethod>, ManifestError> {
        let mut methods: Vec<RpcMethod> = Vec::new();
        let Some(field) = manifest.get("rpcmethods") else {
            return Ok(methods);
        };
        for entry in field.elements(bounds::RPCMETHODS)? {
            let members = entry.members()?;
            members.note_unknown(KNOWN, unknown);
            let name = members.required("name", "the method's name")?;
            let method = method(&members, &name)?;
            if methods.iter().any(|other| other.name == method.name) {
                return Err(name.refuse("each method once"));
            }
            if let Some(owner) = native::methods::owner(&method.name)
                && node.has(owner)
            {
                return Err(name.refuse(format!(
                    "a name that {owner} does not have already, here or in an earlier release"
                )));
            }
            methods.push(method);
        }
        Ok(methods)
    }

    fn method(members: &Members, name: &Field) -> Result<RpcMethod, ManifestError> {
        let text = |member: &str, most: usize| match members.get(member) {
            Some(field) => field.text(most).map(|text| Some(text.to_owned())),
            None => Ok(None),
        };
        // lightningd unescapes this text, cannot unescape \u, and then follows a
        // pointer to the plugin that has the name already: there is none, and it dies.
        let usage = members
            .required("usage", "a string, empty where there are no parameters")?
            .text(bounds::USAGE_BYTES)?;
        let description = text("description", bounds::DESCRIPTION_BYTES)?.unwrap_or_default();
        let long_description = text("long_description", bounds::LONG_DESCRIPTION_BYTES)?;
        Ok(RpcMethod {
            name: name.name()?.to_owned(),
            usage: usage.to_owned(),
            long_description: long_description
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| description.clone()),
            description,
            category: text("category", bounds::CATEGORY_BYTES)?,
            deprecated: Deprecated::read(members)?,
        })
    }
}

#[cfg(feature = "host")]
pub(super) use read::rpcmethods as read;
