//! Feature bits that lightningd and its bundled plugins set.
//!
//! Derived at v26.06.6 from `default_features` (`lightningd/lightningd.c`), the
//! styles in `common/features.c`, the options that add one
//! (`lightningd/options.c`), the bundled `keysend` plugin, and the `feature_set`
//! that a running node puts into `init`.

/// Whether lightningd, or a bundled plugin, sets this bit or its twin (0 and 1,
/// 2 and 3, …) in this place. It refuses a plugin that sets one again
/// (`feature_set_or`: "Custom featurebits already present"). `place` is a member of
/// `featurebits`; another name is never taken.
pub fn is_taken(place: &str, bit: usize) -> bool {
    let even = bit & !1;
    bits(place).binary_search(&even).is_ok()
}

/// The even bit of each pair that is set in this place, sorted. 28 (dual funding)
/// and 104 (wrong funding) are only set by options, but theirs all the same.
fn bits(place: &str) -> &'static [usize] {
    match place {
        "init" => &[
            0, 4, 6, 8, 10, 12, 14, 16, 18, 22, 24, 26, 28, 34, 38, 42, 44, 46, 50, 62, 104,
        ],
        "node" => &[
            0, 4, 6, 8, 10, 12, 14, 16, 18, 22, 24, 26, 28, 34, 38, 42, 44, 46, 50, 54, 62, 104,
        ],
        "invoice" => &[8, 14, 16, 24, 48],
        "bolt12_invoice" => &[16],
        "channel_type" => &[22, 46, 50],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `feature_set` of `init`, as a v26.06.6 node with default options sent it.
    const RECORDED: &[(&str, &str)] = &[
        ("init", "800898880a8a59a1"),
        ("node", "808898880a8a59a1"),
        ("channel", ""),
        ("invoice", "02000002024100"),
        ("bolt12_offer", ""),
        ("bolt12_invreq", ""),
        ("bolt12_invoice", "020000"),
        ("channel_type", "08800000800000"),
    ];

    #[test]
    fn every_recorded_bit_is_taken_and_only_options_add_more() {
        for (place, text) in RECORDED {
            let bytes = hex::decode(text).unwrap();
            let set: Vec<usize> = (0..bytes.len() * 8)
                .filter(|bit| bytes[bytes.len() - 1 - bit / 8] >> (bit % 8) & 1 == 1)
                .collect();
            for bit in &set {
                assert!(is_taken(place, *bit), "{place} {bit}");
                assert!(is_taken(place, bit ^ 1), "{place} {bit}");
            }
            let extra: Vec<usize> = bits(place)
                .iter()
                .copied()
                .filter(|even| !set.contains(even) && !set.contains(&(even + 1)))
                .collect();
            match *place {
                "init" | "node" => assert_eq!(extra, [28, 104], "{place}"),
                _ => assert_eq!(extra, [0usize; 0], "{place}"),
            }
        }
        assert!(!is_taken("node", 201));
        assert!(!is_taken("globalinit", 0));
    }
}
