//! The digest that ties a policy to one module.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of the one module that a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

/// The module is another than the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the module's sha256 is {found}, the policy pins {pinned}: if you trust the new module, write sha256 = \"{found}\""
)]
pub struct PinMismatch {
    /// What the policy says.
    pub pinned: Pin,
    /// What the module has.
    pub found: Pin,
}

impl Pin {
    /// The pin of this module.
    pub fn of(module: &[u8]) -> Pin {
        Pin(Sha256::digest(module).into())
    }

    /// Reads 64 hex digits of either case.
    pub fn parse(text: &str) -> Option<Pin> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).ok()?;
        Some(Pin(digest))
    }

    /// That of the module with this digest.
    pub fn from_bytes(digest: [u8; 32]) -> Pin {
        Pin(digest)
    }

    /// The digest.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Checks that what was found is the pinned module.
    ///
    /// # Errors
    ///
    /// It is another; the text has the line that would pin it.
    pub fn check(self, found: Pin) -> Result<(), PinMismatch> {
        if found == self {
            Ok(())
        } else {
            Err(PinMismatch {
                pinned: self,
                found,
            })
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_module_passes() {
        let pin =
            Pin::parse("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD").unwrap();
        assert_eq!(pin.check(Pin::of(b"abc")), Ok(()));
        let error = pin.check(Pin::of(b"abd")).unwrap_err();
        assert_eq!(error.found, Pin::of(b"abd"));
        assert!(
            error
                .to_string()
                .contains(&format!("write sha256 = \"{}\"", Pin::of(b"abd")))
        );
        assert_eq!(Pin::parse("ba78"), None);
        assert_eq!(Pin::parse(&"g".repeat(64)), None);
    }
}
