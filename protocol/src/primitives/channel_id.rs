//! Channel ids.

use super::fixed::{fixed_hex, shown_as_hex};

fixed_hex! {
    /// A channel by the 32 bytes that BOLT 2 derives for it.
    ChannelId, 32
}
shown_as_hex!(ChannelId);
