//! Topics whose payload has a type.

use serde::de::DeserializeOwned;

/// A notification topic as a guest author sees it.
pub trait Topic: 'static {
    /// lightningd's name for it.
    const NAME: &'static str;
    /// The payload, in today's shape.
    type Payload: DeserializeOwned + 'static;
}
