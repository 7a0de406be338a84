//! What a guest may use: what its manifest asks for and its policy grants, both.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use cln_protocol::hook::Hook;
use cln_protocol::hooks::RpcCommand;
use cln_protocol::hooks::rpc_command::{self, Intent};
use cln_protocol::plain::{Names, check};
use serde_json::value::RawValue;

use super::Capabilities;
use super::rpc::settle_whole;
use crate::guest::fault::excerpt;
use crate::policy::{Denied, Request, Requested, Wanted, quote};

/// Something that a guest may use only if it asks for it and has it granted.
/// RPC calls are judged one by one: see [`Capabilities::asks_for_call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability<'a> {
    /// The key-value store.
    Kv,
    /// Timers.
    Timer,
    /// HTTP to a host as it stands in a URL. Its addresses are another question
    /// ([`Grants::http_address`](crate::policy::Grants::http_address)).
    Http {
        /// A name or an address.
        host: &'a str,
        /// The port, also where the URL leaves it out.
        port: u16,
    },
}

/// Requests longer than this are cut in log lines, in characters.
const LONGEST_REASON: usize = 300;
/// Requests that are told to the operator one by one.
const MOST_LINES: usize = 256;

impl Capabilities {
    /// What the accepted manifest asks for; the first word counts.
    pub fn set_requested(&self, requested: Requested) {
        // A guest that starts again asks for the same.
        drop(self.requested.set(requested));
    }

    /// What the guest asks for: nothing before its manifest was accepted.
    pub fn requested(&self) -> &Requested {
        static NOTHING: Requested = Requested::nothing();
        self.requested.get().unwrap_or(&NOTHING)
    }

    /// May the guest use this?
    ///
    /// # Errors
    ///
    /// It does not ask for it, or it is not granted: the text, for guest and
    /// operator, says which. The refusal is counted and logged.
    pub fn may(&self, capability: Capability<'_>) -> Result<(), String> {
        self.judge(capability).inspect_err(|why| self.denied(why))
    }

    /// As [`may`](Self::may), and nothing is counted or logged.
    pub(super) fn judge(&self, capability: Capability<'_>) -> Result<(), String> {
        let (requested, grants) = (self.requested(), self.policy.grants());
        let (asked, granted) = match capability {
            Capability::Kv => (requested.kv(), grants.kv()),
            Capability::Timer => (requested.timer(), grants.timer()),
            Capability::Http { host, port } => (
                requested.http_host(host, port),
                grants.http_host(host, port),
            ),
        };
        let (what, grant) = match capability {
            Capability::Kv => ("key-value store".to_owned(), "kv".to_owned()),
            Capability::Timer => ("timer".to_owned(), "timer".to_owned()),
            Capability::Http { host, port } => {
                let host = match port {
                    443 => host.to_owned(),
                    _ => format!("{host}:{port}"),
                };
                (format!("HTTP to {host:?}"), format!("http: {host}"))
            }
        };
        both(asked, granted, &what, &grant)
    }

    /// Does the guest ask for this call to lightningd? Whether it is granted is the
    /// policy's part, to be judged after this.
    ///
    /// # Errors
    ///
    /// It does not. The text is for guest and operator; nothing is counted or logged.
    pub fn asks_for_call(&self, method: &str, params: &RawValue) -> Result<(), String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        if self.requested().rpc(method, params, now) {
            return Ok(());
        }
        // Where the grant is missing as well, the operator should know that too.
        let concerned = self.policy.grants().rpc().iter();
        let granted = match concerned.into_iter().any(|grant| grant.concerns(method)) {
            true => Ok(()),
            false => Err(self.policy.grants().rpc_denied(method)),
        };
        both(
            false,
            granted,
            &format!("RPC call {method:?}"),
            &format!("rpc: method={method}"),
        )
    }

    /// May the guest answer `rpc_command` like this?
    ///
    /// # Errors
    ///
    /// It does not ask for such answers, they are not granted, or the command that
    /// it would put in place of another is not one that it may call itself. The
    /// refusal is counted and logged.
    pub async fn may_answer_rpc_command(self: &Arc<Self>, intent: &Intent) -> Result<(), String> {
        let power = match intent {
            Intent::PassOrRefuse => return Ok(()),
            Intent::Replace { .. } => rpc_command::REPLACE,
            Intent::ReturnResult => rpc_command::RETURN_RESULT,
        };
        let hook = RpcCommand::NAME;
        let asked = self.requested().hook_may(hook, power);
        let granted = self.policy.grants().hook_may(hook, power);
        let what = format!("answer {power} to hook {hook}");
        let judged = both(asked, granted, &what, &format!("hooks: {hook} may={power}"));
        let judged = match (judged, intent) {
            (Ok(()), Intent::Replace { method, params }) => self.may_put(method, params).await,
            (judged, _) => judged,
        };
        judged.inspect_err(|why| self.denied(why))
    }

    /// May the guest have this command run in place of another?
    async fn may_put(self: &Arc<Self>, method: &str, params: &str) -> Result<(), String> {
        let params: &RawValue =
            serde_json::from_str(params).map_err(|e| format!("replace.params: {e}"))?;
        // As for a call of its own: whoever runs it must read what the grants were asked about.
        check(params.get(), Names::Once).map_err(|why| format!("replace.params: {why}"))?;
        self.asks_for_call(method, params)?;
        let allowed = self.permit(method, params).await;
        let allowed = allowed.map_err(|refusal| refusal.to_string())?;
        match allowed.reservation {
            None => Ok(()),
            // What it did spend never comes back here.
            Some(reservation) => settle_whole(reservation).await,
        }
    }

    /// May the guest see this secret of a hook?
    pub fn sees_hook_secret(&self, hook: &str, secret: &str) -> bool {
        self.requested().hook_secret(hook, secret)
            && self.policy.grants().hook_secret(hook, secret).is_ok()
    }

    /// May the guest see this secret of a topic?
    pub fn sees_topic_secret(&self, topic: &str, secret: &str) -> bool {
        self.requested().subscription_secret(topic, secret)
            && self
                .policy
                .grants()
                .subscription_secret(topic, secret)
                .is_ok()
    }

    /// For the operator: each thing that the guest asks for and does not get, with
    /// its reason and the line that would grant it. What a manifest registers is not
    /// among it: without that the guest would not run.
    pub fn ungranted(&self) -> Vec<String> {
        let grants = self.policy.grants();
        let mut lines = Vec::new();
        let mut more = 0;
        for Request { wanted, reason } in self.requested().iter() {
            let reason: String = reason.chars().take(LONGEST_REASON).collect();
            let mut note = |denied: Result<(), Denied>| {
                let Err(denied) = denied else { return };
                if lines.len() >= MOST_LINES {
                    more += 1;
                    return;
                }
                // The guest's words, which could seem to be others, and be of any length.
                let (wanted, reason) = (quote(&excerpt(&wanted.to_string())), quote(&reason));
                let denied = excerpt(&denied.to_string());
                lines.push(format!("asks for {wanted} ({reason}): {denied}"));
            };
            match wanted {
                Wanted::Kv => note(grants.kv()),
                Wanted::Timer => note(grants.timer()),
                Wanted::Http(pattern) => note(grants.http_pattern(pattern)),
                Wanted::Rpc(restrictions) => note(grants.rpc_request(restrictions)),
                Wanted::Hook(one) => {
                    for secret in &one.secrets {
                        note(grants.hook_secret(&one.name, secret));
                    }
                    for power in &one.may {
                        note(grants.hook_may(&one.name, power));
                    }
                }
                Wanted::Subscription(one) => {
                    for secret in &one.secrets {
                        note(grants.subscription_secret(&one.name, secret));
                    }
                }
                Wanted::Method(_)
                | Wanted::Option(_)
                | Wanted::Notification(_)
                | Wanted::CustomMessage(_)
                | Wanted::FeatureBits(..) => {}
            }
        }
        if more > 0 {
            lines.push(format!("asks for {more} more that are not granted"));
        }
        lines
    }
}

/// Request and grant, or which of them is missing.
pub(super) fn both(
    asked: bool,
    granted: Result<(), Denied>,
    what: &str,
    grant: &str,
) -> Result<(), String> {
    let unasked = || {
        format!(
            "the guest does not ask for it: \"{grant}\" is not among the capabilities of its manifest"
        )
    };
    match (asked, granted) {
        (true, Ok(())) => Ok(()),
        (true, Err(denied)) => Err(denied.to_string()),
        (false, Ok(())) => Err(format!("{what}: {}", unasked())),
        (false, Err(denied)) => Err(format!("{denied}; and {}", unasked())),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::bridge::node::Node;
    use crate::lightningd::output::Output;
    use crate::policy::Policy;
    use cln_protocol::manifest::CapabilityRequest;

    fn guest(policy: &str, asks: &[&str]) -> Arc<Capabilities> {
        let policy = Policy::parse(policy, Path::new("g.toml")).unwrap();
        let node = Node::new(Arc::new(Output::default()));
        let capabilities = Capabilities::new("g".into(), Arc::new(policy), Arc::new(node));
        let asks: Vec<CapabilityRequest> = asks
            .iter()
            .map(|grant| CapabilityRequest {
                grant: (*grant).to_owned(),
                reason: "it\nmust".to_owned(),
            })
            .collect();
        capabilities.set_requested(Requested::read(&asks).unwrap());
        Arc::new(capabilities)
    }

    #[test]
    fn what_is_asked_for_shows_as_what_it_is_and_within_bounds() {
        let lines = guest("", &["rpc: method=pay&pnamelabel=\u{202e}x\"y"]).ungranted();
        let [line] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        let shown = "asks for \"rpc: method=pay&pnamelabel=\\u202Ex\\\"y\" (\"it\\nmust\"): RPC ";
        assert!(line.starts_with(shown), "{line}");
        assert!(!line.contains('\u{202e}'), "{line}");

        let many = "shared_secret,".repeat(1_000);
        let hook = format!("hooks: htlc_accepted secrets={many}shared_secret");
        let lines = guest("", &[&hook]).ungranted();
        assert_eq!(lines.len(), MOST_LINES + 1);
        assert!(lines.iter().all(|line| line.len() < 3_000));
        let last = format!("asks for {} more that are not granted", 1_001 - MOST_LINES);
        assert_eq!(lines.last(), Some(&last));
    }

    const HTTP: Capability<'_> = Capability::Http {
        host: "api.example.com",
        port: 443,
    };

    #[test]
    fn it_takes_both_the_request_and_the_grant() {
        let granted = "[grant]\nkv = true\ntimer = true\nhttp = { hosts = [\"api.example.com\"] }\nrpc = [\"getinfo\"]";
        let asked = ["kv", "timer", "http: *.example.com", "rpc: getinfo"];
        let all = [Capability::Kv, Capability::Timer, HTTP];
        let params = RawValue::from_string("{}".to_owned()).unwrap();
        for capability in all {
            assert_eq!(guest(granted, &asked).may(capability), Ok(()));
            let unasked = guest(granted, &[]);
            let why = unasked.may(capability).unwrap_err();
            assert!(why.contains("does not ask for it"), "{why}");
            assert!(!why.contains("is not granted"), "{why}");
            let ungranted = guest("", &asked);
            let why = ungranted.may(capability).unwrap_err();
            assert!(why.contains("is not granted: add "), "{why}");
            assert!(!why.contains("does not ask for it"), "{why}");
            let neither = guest("", &[]);
            let why = neither.may(capability).unwrap_err();
            assert!(
                why.contains("is not granted: add ") && why.contains("does not ask"),
                "{why}"
            );
            assert_eq!(neither.counters.denied.get(), 1);
        }
        assert_eq!(
            guest(granted, &asked).asks_for_call("getinfo", &params),
            Ok(())
        );
        let why = guest(granted, &[])
            .asks_for_call("getinfo", &params)
            .unwrap_err();
        assert!(!why.contains("is not granted"), "{why}");
        let why = guest("", &[])
            .asks_for_call("getinfo", &params)
            .unwrap_err();
        assert!(
            why.contains("add rpc = [\"getinfo\"] under [grant]"),
            "{why}"
        );
    }

    #[tokio::test]
    async fn a_command_is_replaced_by_one_that_the_guest_may_call() {
        let replace = |method: &str| Intent::Replace {
            method: method.to_owned(),
            params: "{}".to_owned(),
        };
        let granted =
            "[grant]\nrpc = [\"getinfo\"]\nhooks = { rpc_command = { may = [\"replace\"] } }";
        let asked = [
            "hooks: rpc_command may=replace,return.result",
            "rpc: method^",
        ];
        let guard = guest(granted, &asked);
        assert_eq!(
            guard.may_answer_rpc_command(&Intent::PassOrRefuse).await,
            Ok(())
        );
        assert_eq!(
            guard.may_answer_rpc_command(&replace("getinfo")).await,
            Ok(())
        );
        let why = guard
            .may_answer_rpc_command(&replace("stop"))
            .await
            .unwrap_err();
        assert!(why.contains("RPC call stop is not granted"), "{why}");
        let why = guard
            .may_answer_rpc_command(&Intent::ReturnResult)
            .await
            .unwrap_err();
        assert!(
            why.contains(
                "change it to hooks = { rpc_command = { may = [\"replace\", \"return.result\"] } }"
            ),
            "{why}"
        );
        assert_eq!(guard.counters.denied.get(), 2);
        let unasked = guest(granted, &["rpc: getinfo", "hooks: rpc_command"]);
        assert!(
            unasked
                .may_answer_rpc_command(&replace("getinfo"))
                .await
                .is_err()
        );
        let other = guest(
            granted,
            &["rpc: listpeers", "hooks: rpc_command may=replace"],
        );
        assert!(
            other
                .may_answer_rpc_command(&replace("getinfo"))
                .await
                .is_err()
        );
    }

    #[test]
    fn secrets_take_both_too() {
        let granted = "[grant]\nhooks = { recover = { secrets = [\"codex32\"] } }";
        let asked = ["hooks: recover secrets=codex32"];
        assert!(guest(granted, &asked).sees_hook_secret("recover", "codex32"));
        assert!(!guest(granted, &["hooks: recover"]).sees_hook_secret("recover", "codex32"));
        assert!(!guest("", &asked).sees_hook_secret("recover", "codex32"));
    }

    #[test]
    fn each_request_that_is_not_granted_is_one_line() {
        let asked = [
            "kv",
            "rpc: getinfo",
            "rpc: method=pay&pnum<3",
            "http: *.example.com",
            "hooks: rpc_command secrets=params may=replace",
            "subscriptions: forward_event secrets=preimage",
            "methods: x",
        ];
        let lines = guest("", &asked).ungranted();
        assert_eq!(
            lines,
            [
                "asks for \"kv\" (\"it\\nmust\"): key-value store is not granted: add kv = true under [grant] in g.toml",
                "asks for \"rpc: method=getinfo\" (\"it\\nmust\"): RPC \"method=getinfo\" is not granted: add rpc = [\"getinfo\"] under [grant] in g.toml",
                "asks for \"rpc: method=pay&pnum<3\" (\"it\\nmust\"): RPC \"method=pay&pnum<3\" is not granted: add rpc = [{ restrictions = [\"method=pay\", \"pnum<3\"] }] under [grant] in g.toml",
                "asks for \"http: *.example.com\" (\"it\\nmust\"): HTTP to \"*.example.com\" is not granted: add http = { hosts = [\"*.example.com\"] } under [grant] in g.toml",
                "asks for \"hooks: rpc_command secrets=params may=replace\" (\"it\\nmust\"): secret params of hook rpc_command is not granted: add hooks = { rpc_command = { secrets = [\"params\"] } } under [grant] in g.toml",
                "asks for \"hooks: rpc_command secrets=params may=replace\" (\"it\\nmust\"): answer replace to hook rpc_command is not granted: add hooks = { rpc_command = { may = [\"replace\"] } } under [grant] in g.toml",
                "asks for \"subscriptions: forward_event secrets=preimage\" (\"it\\nmust\"): secret preimage of topic forward_event is not granted: add subscriptions = { forward_event = { secrets = [\"preimage\"] } } under [grant] in g.toml",
            ]
        );
        let granted = "[grant]\nkv = true\nrpc = [\"getinfo\", { methods = [\"pay\"], restrictions = [\"pnum<2\"] }]\n\
             http = { hosts = [\"*.example.com\"] }\nhooks = { rpc_command = { secrets = [\"params\"], may = [\"replace\"] } }\n\
             [grant.subscriptions]\nforward_event = { secrets = [\"preimage\"] }";
        assert_eq!(guest(granted, &asked).ungranted(), Vec::<String>::new());
    }
}
