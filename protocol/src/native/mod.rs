//! What lightningd itself owns: names that a guest cannot take, and the hooks and
//! topics that it knows, by version.
//!
//! Plain sorted tables, derived from Core Lightning v26.06.6. A version that is
//! not known counts as the newest.

pub mod features;
pub mod hooks;
pub mod messages;
pub mod methods;
pub mod options;
pub mod topics;
mod version;

pub use hooks::hooks;
pub use version::Version;

/// Looks a name up in a table sorted by name.
fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table
        .binary_search_by(|(entry, _)| (*entry).cmp(name))
        .ok()
        .and_then(|at| table.get(at))
        .map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_sorted<T>(table: &[(&str, T)]) {
        for pair in table.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].0, pair[1].0);
        }
    }

    #[test]
    fn tables_are_sorted_and_without_doubles() {
        is_sorted(methods::METHODS);
        is_sorted(options::OPTIONS);
        is_sorted(hooks::HOOKS);
        is_sorted(topics::TOPICS);
        assert!(messages::INTERNAL.is_sorted());
    }

    #[test]
    fn owners() {
        assert_eq!(methods::owner("getinfo"), Some("lightningd"));
        assert_eq!(methods::owner("help"), Some("lightningd"));
        assert_eq!(methods::owner("pay"), Some("pay"));
        assert_eq!(methods::owner("xpay"), Some("cln-xpay"));
        assert_eq!(methods::owner("fetchbip353"), Some("cln-bip353"));
        assert_eq!(methods::owner("sendrawtransaction"), Some("bcli"));
        assert_eq!(methods::owner("hello"), None);
        assert_eq!(options::owner("alias"), Some("lightningd"));
        assert_eq!(options::owner("wumbo"), Some("lightningd"));
        assert_eq!(options::owner("grpc-port"), Some("cln-grpc"));
        assert_eq!(options::owner("clnrest-port"), Some("clnrest"));
        assert_eq!(options::owner("greeting"), None);
        assert_eq!(options::owner(""), None);
    }
}
