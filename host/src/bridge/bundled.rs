//! lightningd's own plugins, while they start.
//!
//! They call lightningd in their `init`, every such call passes the hook
//! `rpc_command`, and most of them end themselves, and with them the node, when
//! one fails: a guest that forbids everything, or an innocent rule for
//! `makesecret`, would keep the node from starting. So these calls are not shown
//! to guests while the node starts. Their ids are known (`plugins/libplugin.c`,
//! `json_id`), but a client can choose its id too: hence only at the start.

use std::time::Duration;

use serde::Deserialize;

/// How long after `init` the bundled plugins may take for theirs.
pub const WINDOW: Duration = Duration::from_secs(30);

/// The plugins bundled with v26.06.
const BUNDLED: [&str; 27] = [
    "autoclean",
    "bcli",
    "bookkeeper",
    "chanbackup",
    "cln-askrene",
    "cln-bip353",
    "cln-bwatch",
    "cln-currencyrate",
    "cln-grpc",
    "cln-lsps-client",
    "cln-lsps-service",
    "cln-renepay",
    "cln-xpay",
    "clnrest",
    "commando",
    "exposesecret",
    "funder",
    "keysend",
    "offers",
    "pay",
    "recklessrpc",
    "recover",
    "spenderp",
    "sql",
    "topology",
    "txprepare",
    "wss-proxy",
];

/// Is this `rpc_command` payload about a call that a bundled plugin makes in its
/// `init`? `getinfo/topology:init/#0`, or `cln:init#12/cln-askrene:datastore#3`.
pub fn calls_in_init(payload: &str) -> bool {
    #[derive(Deserialize)]
    struct Payload {
        rpc_command: Command,
    }
    #[derive(Deserialize)]
    struct Command {
        id: String,
        method: String,
    }
    let Ok(Payload { rpc_command }) = serde_json::from_str::<Payload>(payload) else {
        return false;
    };
    let Some((caller, call)) = rpc_command.id.split_once('/') else {
        return false;
    };
    let Some((plugin, call)) = call.split_once(':') else {
        return false;
    };
    let method = rpc_command.method.as_str();
    let from_init = caller == method && call.starts_with("init/#");
    let within_init = caller.starts_with("cln:init#") && call.split('#').next() == Some(method);
    BUNDLED.contains(&plugin) && (from_init || within_init)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, method: &str) -> bool {
        calls_in_init(
            &serde_json::json!({"rpc_command": {"id": id, "method": method, "params": {}}})
                .to_string(),
        )
    }

    #[test]
    fn calls_of_bundled_plugins_in_init_are_known_by_their_ids() {
        assert!(call("getinfo/topology:init/#0", "getinfo"));
        assert!(call("cln:init#12/cln-askrene:datastore#3", "datastore"));
    }

    #[test]
    fn no_other_call_is() {
        assert!(!call("cli:getinfo#1", "getinfo"));
        assert!(
            !call("getinfo/topology:init/#0", "withdraw"),
            "another method than the id says"
        );
        assert!(!call("getinfo/stranger:init/#0", "getinfo"));
        assert!(!call("cli:pay#1/cln-xpay:getroutes#2", "getroutes"));
        assert!(!call("cln:init#12/cln-askrene:datastore#3", "stop"));
        assert!(!calls_in_init("{"));
    }
}
