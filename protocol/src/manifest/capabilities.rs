//! `capabilities`: what a guest asks its operator for. Ours alone; lightningd
//! ignores the member.

use super::written::Written;

/// One thing that a guest asks for, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilityRequest {
    /// The grant, as the operator would write it: `rpc: method=listpeers`, `kv`, `timer`.
    pub grant: String,
    /// What the guest needs it for, for the operator to read.
    pub reason: String,
}

impl CapabilityRequest {
    pub(super) fn write(&self, text: &mut String) {
        Written::object(text, |written| {
            written.text("grant", &self.grant);
            written.text("reason", &self.reason);
        });
    }
}

#[cfg(feature = "host")]
mod read {
    use super::CapabilityRequest;
    use crate::manifest::bounds;
    use crate::manifest::error::ManifestError;
    use crate::manifest::field::Members;

    pub(in crate::manifest) fn capabilities(
        manifest: &Members,
        unknown: &mut Vec<String>,
    ) -> Result<Vec<CapabilityRequest>, ManifestError> {
        let Some(field) = manifest.get("capabilities") else {
            return Ok(Vec::new());
        };
        let mut requests = Vec::new();
        for entry in field.elements(bounds::CAPABILITIES)? {
            let members = entry.members()?;
            members.note_unknown(&["grant", "reason"], unknown);
            let grant = members.required("grant", "a string such as \"kv\"")?;
            let reason = members.required("reason", "a string that says what for")?;
            let request = CapabilityRequest {
                grant: grant.text(bounds::GRANT_BYTES)?.to_owned(),
                reason: reason.text(bounds::REASON_BYTES)?.to_owned(),
            };
            if request.grant.trim().is_empty() {
                return Err(grant.refuse("a grant such as \"kv\" or \"rpc: method=listpeers\""));
            }
            if request.reason.trim().is_empty() {
                return Err(reason.refuse("a text that says what for"));
            }
            requests.push(request);
        }
        Ok(requests)
    }
}

#[cfg(feature = "host")]
pub(super) use read::capabilities as read;
