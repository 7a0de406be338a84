//! Reads a manifest as hostile input.

use super::error::{ManifestError, quoted};
use super::field::{Field, Members};
use super::{
    Manifest, bounds, capabilities, featurebits, hooks, options, rpcmethods, subscriptions,
};
use crate::native::Version;
use serde_json::Value;

const KNOWN: &[&str] = &[
    "options",
    "rpcmethods",
    "subscriptions",
    "hooks",
    "dynamic",
    "featurebits",
    "features",
    "notifications",
    "custommessages",
    "nonnumericids",
    "cancheck",
    "disable",
    "capabilities",
];

/// The lightningd that a manifest is for.
#[derive(Debug, Clone, Default)]
pub struct Lightningd {
    /// Its version; None counts as the newest.
    pub version: Option<Version>,
    /// Bundled plugins that do not run there (`--disable-plugin`), by file name: their
    /// options and methods are free. A guest that is a Bitcoin backend takes the
    /// methods of `bcli`.
    pub disabled_plugins: Vec<String>,
}

impl Lightningd {
    /// Whether this owner of a name is there.
    pub(super) fn has(&self, owner: &str) -> bool {
        !self.disabled_plugins.iter().any(|plugin| plugin == owner)
    }
}

impl Manifest {
    /// Reads the `result` of a `getmanifest`, for the newest lightningd with all its
    /// plugins. Refuses what lightningd would not take, and what is out of bounds.
    ///
    /// Lenient where v0.8.2 was: `options` and `rpcmethods` may be missing, `features`
    /// is another name of `featurebits`, defaults may be strings.
    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse_for(text, &Lightningd::default())
    }

    /// The same for this lightningd.
    pub fn parse_for(text: &str, node: &Lightningd) -> Result<Manifest, ManifestError> {
        if text.len() > bounds::MANIFEST_BYTES {
            return Err(ManifestError::new(
                "manifest",
                format!("{} bytes", text.len()),
                format!("at most {} bytes", bounds::MANIFEST_BYTES),
            ));
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            ManifestError::new("manifest", quoted(&error.to_string()), "a JSON object")
        })?;
        let members = Field::root(&value).members()?;
        if let Some(reason) = members.get("disable") {
            return Ok(Manifest {
                disable: Some(disable_reason(reason.value())),
                ..Manifest::default()
            });
        }
        read(&members, node)
    }
}

/// Any value disables (`plugin_parse_getmanifest_response` looks at no more than
/// that the member is there).
fn disable_reason(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let end = text.floor_char_boundary(bounds::REASON_BYTES);
    text.get(..end)
        .unwrap_or_default()
        .escape_debug()
        .to_string()
}

fn read(members: &Members, node: &Lightningd) -> Result<Manifest, ManifestError> {
    let mut unknown = Vec::new();
    members.note_unknown(KNOWN, &mut unknown);
    let flag = |name: &str| members.get(name).map_or(Ok(false), |field| field.boolean());
    let nonnumericids = match members.get("nonnumericids") {
        None => None,
        Some(field) if field.boolean()? => Some(true),
        Some(field) => return Err(field.refuse("true: request ids are strings")),
    };
    let manifest = Manifest {
        options: options::read(members, node, &mut unknown)?,
        rpcmethods: rpcmethods::read(members, node, &mut unknown)?,
        subscriptions: subscriptions::subscriptions(members)?,
        hooks: hooks::read(members, node, &mut unknown)?,
        dynamic: flag("dynamic")?,
        featurebits: featurebits::read(members, &mut unknown)?,
        notifications: subscriptions::notifications(members, &mut unknown)?,
        custommessages: subscriptions::custommessages(members)?,
        nonnumericids,
        cancheck: flag("cancheck")?,
        disable: None,
        capabilities: capabilities::read(members, &mut unknown)?,
        unknown: Vec::new(),
    };
    if manifest.dynamic && !manifest.featurebits.is_empty() {
        return Err(ManifestError::new(
            "featurebits",
            "feature bits of a dynamic plugin",
            "none where \"dynamic\" is true: a node cannot change them while it runs",
        ));
    }
    Ok(Manifest {
        unknown,
        ..manifest
    })
}
