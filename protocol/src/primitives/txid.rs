//! Transaction ids.

use super::fixed::{fixed_hex, shown_as_hex};

fixed_hex! {
    /// A transaction id, in the byte order in which it is written (the reverse of
    /// the one that it is hashed in).
    Txid, 32
}
shown_as_hex!(Txid);
