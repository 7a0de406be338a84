//! Guests that are not in the manifest, and what of them must not be passed by.
//!
//! lightningd asks only who registered a hook. A guard that could not be started would
//! be passed by until somebody reads the log; so the bridge registers its hooks in its
//! place and answers them with the safe refusal
//! (docs/adr/0015-guards-that-did-not-start.md).

use std::sync::Arc;

use cln_protocol::hook::{Flow, Hook, HookSpec, Node as NodeFacts, Stance};
use cln_protocol::hooks::{self, DbWrite};
use cln_protocol::native::{self, Version};

use super::aggregate::Mode;
use crate::capability::Capabilities;
use crate::policy::Policy;

/// A guest that is not in the manifest.
#[derive(Debug)]
pub struct LeftOut {
    /// Its name.
    pub name: Arc<str>,
    /// Why, for the operator.
    pub why: String,
    /// Its way to the log, where [`refuses`](Self::refuses) is not empty.
    capabilities: Option<Arc<Capabilities>>,
    refuses: Vec<&'static HookSpec>,
}

/// Why a guest is left out.
#[derive(Debug)]
pub enum Reason {
    /// The operator wants it so.
    Unwanted(String),
    /// The guest wants it so.
    Disabled(String),
    /// It should run, and cannot.
    Failed(String),
}

impl Reason {
    fn into_text(self) -> String {
        match self {
            Reason::Unwanted(why) | Reason::Disabled(why) | Reason::Failed(why) => why,
        }
    }
}

impl LeftOut {
    /// A guest of which the policy is not known.
    pub fn unknown(name: &str, why: String) -> LeftOut {
        LeftOut {
            name: name.into(),
            why,
            capabilities: None,
            refuses: Vec::new(),
        }
    }

    /// A guest of this policy, in a process of this mode, under this lightningd.
    /// `capabilities` are asked for where the guest has a hook to refuse.
    pub fn new(
        name: &str,
        reason: Reason,
        policy: &Policy,
        mode: Mode,
        version: Option<Version>,
        capabilities: impl FnOnce() -> Arc<Capabilities>,
    ) -> LeftOut {
        let refuses = match mode {
            Mode::Bridge => refuses(&reason, policy, version),
            // A plugin of its own disables itself; `important-plugin` is the word for a node that
            // must not run without it.
            Mode::Solo => Vec::new(),
        };
        LeftOut {
            capabilities: (!refuses.is_empty()).then(capabilities),
            refuses,
            ..LeftOut::unknown(name, reason.into_text())
        }
    }

    /// The hooks that are answered with the safe refusal in its place.
    pub fn refuses(&self) -> &[&'static HookSpec] {
        &self.refuses
    }

    /// What the operator is told at the start.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        // A suggested policy has several lines.
        let lines = self.why.lines().filter(|line| !line.is_empty());
        let why = lines.enumerate().map(|(i, line)| match i {
            0 => format!("left out: {line}"),
            _ => line.to_owned(),
        });
        why.chain(self.refuses.iter().map(|spec| {
            format!(
                "hook {0}: lightningd gets the safe refusal as long as this guest is left out (on-fault: closed); \
                 {0} = \"open\" under [on-fault] would pass it by",
                spec.name
            )
        }))
    }

    /// Tells the operator of one event that is refused in its place.
    pub fn refused(&self, hook: &str) {
        if let Some(capabilities) = &self.capabilities {
            let why = self.why.lines().next().unwrap_or_default();
            capabilities.fault_line(&format!(
                "hook {hook}: it is left out: {why}; lightningd gets the safe refusal (on-fault: closed)"
            ));
        }
    }
}

/// The hooks that this guest was to have, that are closed for it, and where closed ends the chain.
fn refuses(reason: &Reason, policy: &Policy, version: Option<Version>) -> Vec<&'static HookSpec> {
    let closed = |spec: &HookSpec| {
        let own = match reason {
            Reason::Unwanted(_) => return false,
            // As at its `init`: it is not there, unless the operator wants a refusal wherever
            // it has no answer.
            Reason::Disabled(_) => Stance::Open,
            Reason::Failed(_) => spec.stance,
        };
        policy.on_fault.stance(spec.name, own) == Stance::Closed
    };
    native::hooks(version)
        .filter_map(hooks::find)
        .filter(|spec| policy.grants().hook(spec.name).is_ok())
        .filter(|spec| closed(spec) && can_stand_in(spec))
        .collect()
}

/// Not `rpc_command`, where a guest's manifest says which commands it is for: all would be
/// refused, `stop` among them. Not `db_write`, which is alone in its process.
fn can_stand_in(spec: &HookSpec) -> bool {
    let mut chain = (spec.begin)("{}".into(), &NodeFacts::default());
    spec.name != DbWrite::NAME && chain.fallback(Stance::Closed) == Flow::Done
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::bridge::node::Node;
    use crate::lightningd::output::Output;

    /// A policy that grants every hook.
    fn all(rest: &str) -> String {
        let hooks: Vec<_> = native::hooks(None).collect();
        format!("[grant]\nhooks = {hooks:?}\n{rest}")
    }

    fn left_out(reason: Reason, policy: &str, mode: Mode, version: Option<Version>) -> LeftOut {
        let policy = Arc::new(Policy::parse(policy, Path::new("a.toml")).unwrap());
        let node = Arc::new(Node::new(Arc::new(Output::default())));
        LeftOut::new("a", reason, &policy, mode, version, || {
            Arc::new(Capabilities::new("a".into(), Arc::clone(&policy), node))
        })
    }

    fn hooks_of(left_out: &LeftOut) -> Vec<&'static str> {
        left_out.refuses().iter().map(|spec| spec.name).collect()
    }

    #[test]
    fn a_guard_that_failed_is_not_passed_by() {
        let failed = || Reason::Failed("late".to_owned());
        let of = |policy: &str| hooks_of(&left_out(failed(), policy, Mode::Bridge, None));
        let closed_by_default = [
            "htlc_accepted",
            "openchannel",
            "openchannel2",
            "rbf_channel",
        ];
        assert_eq!(of(&all("")), closed_by_default);
        assert_eq!(
            of(&all("[on-fault]\ndefault = \"closed\"")),
            [
                "htlc_accepted",
                "invoice_payment",
                "onion_message_recv",
                "onion_message_recv_secret",
                "openchannel",
                "openchannel2",
                "peer_connected",
                "rbf_channel"
            ]
        );
        let open = all("[on-fault]\nhtlc_accepted = \"open\"\nopenchannel = \"open\"");
        assert_eq!(of(&open), ["openchannel2", "rbf_channel"]);
        let granted_one = "[grant]\nhooks = [\"openchannel\"]\n[on-fault]\ndefault = \"closed\"";
        assert_eq!(of(granted_one), ["openchannel"]);
        assert!(of("[on-fault]\ndefault = \"closed\"").is_empty());
    }

    #[test]
    fn an_old_lightningd_is_not_given_hooks_that_it_does_not_know() {
        let failed = Reason::Failed("late".to_owned());
        let old = left_out(failed, &all(""), Mode::Bridge, Version::parse("v0.8.2"));
        assert_eq!(hooks_of(&old), ["htlc_accepted", "openchannel"]);
    }

    #[test]
    fn one_that_nobody_wants_to_run_is_not_there() {
        let closed = all("[on-fault]\nhtlc_accepted = \"closed\"");
        let unwanted = Reason::Unwanted("enabled = false".to_owned());
        assert!(hooks_of(&left_out(unwanted, &closed, Mode::Bridge, None)).is_empty());
        let disabled = || Reason::Disabled("not today".to_owned());
        assert!(hooks_of(&left_out(disabled(), &all(""), Mode::Bridge, None)).is_empty());
        let chosen = left_out(disabled(), &closed, Mode::Bridge, None);
        assert_eq!(hooks_of(&chosen), ["htlc_accepted"]);
        let failed = Reason::Failed("late".to_owned());
        assert!(hooks_of(&left_out(failed, &closed, Mode::Solo, None)).is_empty());
    }

    #[test]
    fn the_operator_is_told_why_and_what_is_refused() {
        let reason = Reason::Failed("no module\n\nsecond line".to_owned());
        let policy = "[grant]\nhooks = [\"openchannel\"]";
        let lines: Vec<_> = left_out(reason, policy, Mode::Bridge, None)
            .lines()
            .collect();
        assert_eq!(
            lines,
            [
                "left out: no module",
                "second line",
                "hook openchannel: lightningd gets the safe refusal as long as this guest is left out (on-fault: closed); \
                 openchannel = \"open\" under [on-fault] would pass it by",
            ]
        );
    }
}
