//! The small types that payloads and answers are made of, one file each.
//!
//! They have the names that the Rust crate `cln-rpc` gives them. Each reads and
//! writes lightningd's JSON form; reading checks all that a value can tell by itself.

mod amount;
mod channel_id;
mod failure_message;
mod fixed;
mod hex_bytes;
mod hex_digits;
mod preimage;
mod psbt;
mod public_key;
mod secret;
mod sha256;
mod short_channel_id;
mod tlv_stream;
mod txid;

pub use amount::Amount;
pub use channel_id::ChannelId;
pub use failure_message::FailureMessage;
pub use fixed::ParseError;
pub use hex_bytes::HexBytes;
pub use preimage::Preimage;
pub use psbt::Psbt;
pub use public_key::PublicKey;
pub use secret::Secret;
pub use sha256::{PaymentHash, Sha256};
pub use short_channel_id::ShortChannelId;
#[cfg(feature = "host")]
pub(crate) use tlv_stream::write_bigsize;
pub use tlv_stream::{TlvEntry, TlvStream};
pub use txid::Txid;
