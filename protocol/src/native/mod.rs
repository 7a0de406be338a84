//! What lightningd itself owns: names that a guest cannot take, and the hooks and
//! topics that it knows, by version.
//!
//! Plain sorted tables, derived from Core Lightning v26.06.6, and for names that are gone
//! from the releases since v0.8.2. A version that is not known counts as the newest.

pub mod features;
pub mod hooks;
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
        is_sorted(methods::FORMER);
        is_sorted(options::OPTIONS);
        is_sorted(options::FORMER);
        is_sorted(hooks::HOOKS);
        is_sorted(topics::TOPICS);
    }

    #[test]
    fn what_is_gone_is_not_among_what_is_there() {
        for (former, table) in [
            (methods::FORMER, methods::METHODS),
            (options::FORMER, options::OPTIONS),
        ] {
            for (name, owner) in former {
                assert_eq!(find(table, name), None, "{name} of {owner}");
            }
        }
        assert_eq!(methods::owner("decodepay"), Some("lightningd"));
        assert_eq!(methods::owner("legacypay"), Some("pay"));
        assert_eq!(options::owner("experimental-offers"), Some("lightningd"));
        assert_eq!(options::owner("rest-port"), Some("clnrest"));
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
