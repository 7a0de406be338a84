//! Checks `close_to` as lightningd does.
//!
//! `common/json_param.c`: `json_to_address_scriptpubkey`; `bitcoin/chainparams.c`.

use crate::hook::{Invalid, Node};

struct Network {
    name: &'static str,
    hrp: &'static str,
    p2pkh: u8,
    p2sh: u8,
}

const fn network(name: &'static str, hrp: &'static str, p2pkh: u8, p2sh: u8) -> Network {
    Network {
        name,
        hrp,
        p2pkh,
        p2sh,
    }
}

static NETWORKS: [Network; 7] = [
    network("bitcoin", "bc", 0, 5),
    network("regtest", "bcrt", 111, 196),
    network("signet", "tb", 111, 196),
    network("testnet", "tb", 111, 196),
    network("testnet4", "tb", 111, 196),
    network("liquid-regtest", "ert", 91, 75),
    network("liquid", "ex", 57, 39),
];

/// Whether lightningd on this node would take the text for an address. A node whose
/// network is not known takes any well-formed address.
pub(super) fn check(address: &str, node: &Node) -> Result<(), Invalid> {
    let wrong = |why: &str| Invalid::new(format!("close_to {address:.100} {why}"));
    let ours = match &node.network {
        Some(name) => NETWORKS.iter().find(|network| network.name == name),
        None => None,
    };
    let other_network = || match ours {
        Some(network) => Err(wrong(&format!("is not an address of {}", network.name))),
        None => Ok(()),
    };
    if let Ok(bytes) = bs58::decode(address).with_check(None).into_vec() {
        return match (bytes.as_slice(), ours) {
            ([version, hash @ ..], Some(network)) if hash.len() == 20 => {
                match *version == network.p2pkh || *version == network.p2sh {
                    true => Ok(()),
                    false => other_network(),
                }
            }
            ([_, hash @ ..], None) if hash.len() == 20 => Ok(()),
            _ => Err(wrong("is not an address")),
        };
    }
    match bech32::segwit::decode(address) {
        Ok((hrp, _, _)) => match ours {
            Some(network) if hrp.to_lowercase() == network.hrp => Ok(()),
            _ => other_network(),
        },
        Err(reason) => Err(wrong(&format!("is not an address: {reason}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(network: &str) -> Node {
        Node {
            network: Some(network.into()),
        }
    }

    const P2PKH: &str = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
    const P2SH: &str = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG";
    const P2WPKH: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    const P2TR: &str = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0";
    const TEST_P2PKH: &str = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn";
    const TEST_P2WPKH: &str = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx";
    const REGTEST_P2WPKH: &str = "bcrt1qs758ursh4q9z627kt3pp5yysm78ddny6txaqgw";

    #[test]
    fn addresses_of_the_network() {
        for (network, address) in [
            ("bitcoin", P2PKH),
            ("bitcoin", P2SH),
            ("bitcoin", P2WPKH),
            ("bitcoin", &P2WPKH.to_uppercase()),
            ("bitcoin", P2TR),
            ("testnet", TEST_P2PKH),
            ("signet", TEST_P2WPKH),
            ("testnet4", TEST_P2WPKH),
            ("regtest", TEST_P2PKH),
            ("regtest", REGTEST_P2WPKH),
        ] {
            assert_eq!(check(address, &on(network)), Ok(()), "{network} {address}");
            assert_eq!(check(address, &Node::default()), Ok(()));
            assert_eq!(check(address, &on("a-network-of-tomorrow")), Ok(()));
        }
    }

    #[test]
    fn addresses_of_others() {
        for (network, address) in [
            ("regtest", P2PKH),
            ("regtest", P2WPKH),
            ("regtest", TEST_P2WPKH),
            ("bitcoin", TEST_P2PKH),
            ("bitcoin", REGTEST_P2WPKH),
            ("liquid", P2SH),
        ] {
            let refused = check(address, &on(network)).unwrap_err();
            assert!(
                refused
                    .0
                    .ends_with(&format!("is not an address of {network}")),
                "{refused}"
            );
        }
    }

    #[test]
    fn not_addresses() {
        for address in [
            "",
            "close me",
            &P2PKH.replace('a', "b"),
            // Bech32 where bech32m is due (BIP 350), and the other way round.
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            "bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq54mell",
            // A witness program of 41 bytes.
            "bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90",
            // A base58 string with a good checksum, but of another length.
            "Wh4bh",
        ] {
            for node in [on("bitcoin"), Node::default()] {
                assert!(check(address, &node).is_err(), "{address}");
            }
        }
    }
}
