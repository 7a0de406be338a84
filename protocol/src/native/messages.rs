//! Peer message types that lightningd handles itself.
//!
//! Derived from `wire/peer_wire.csv` and `peer_wire_is_internal` at v26.06.6.

/// Whether lightningd keeps messages of this type to itself: the `custommsg` hook
/// never sees one. `peer_storage` (7) and `peer_storage_retrieval` (9) are left to
/// plugins.
pub fn is_internal(message_type: u16) -> bool {
    INTERNAL.binary_search(&message_type).is_ok()
}

/// The types, sorted.
pub(super) const INTERNAL: &[u16] = &[
    0, 1, 2, 16, 17, 18, 19, 32, 33, 34, 35, 36, 38, 39, 40, 41, 64, 65, 66, 67, 68, 69, 70, 71,
    72, 73, 74, 77, 80, 81, 127, 128, 130, 131, 132, 133, 134, 135, 136, 137, 256, 257, 258, 259,
    261, 262, 263, 264, 265, 513,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bolt_types_are_internal_and_peer_storage_is_not() {
        assert!(is_internal(128), "update_add_htlc");
        assert!(is_internal(513), "onion_message");
        assert!(!is_internal(7));
        assert!(!is_internal(9));
        assert!(!is_internal(43691));
        assert!(!is_internal(u16::MAX));
    }
}
