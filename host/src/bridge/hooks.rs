//! One hook call on its way through the guests that hook it.
//!
//! lightningd aborts on an error or a malformed answer to almost every hook, so
//! what goes back is never a guest's text: each hook's chain (`cln_protocol::hooks`)
//! takes the answers it can check, puts the fallback where there is none, and
//! builds the one answer itself.

use std::iter;
use std::sync::Arc;

use cln_protocol::hook::{
    Chain, Delivery, Flow, Hook, HookSpec, Invalid, Node as NodeFacts, Stance, Taken,
};
use cln_protocol::hooks::RpcCommand;
use cln_protocol::hooks::rpc_command;
use cln_protocol::manifest::HookFilters;
use cln_protocol::plain::{DEEPEST, is_too_deep};
use futures::future::join_all;
use serde::Deserialize;
use tokio::time::Instant;

use super::Bridge;
use super::bundled;
use super::lineage::Lineage;
use super::routes::{Chained, Link, Routes};
use crate::guest::call::{Answer, Call, Fault, Label};
use crate::guest::fault::{Kind, Written, excerpt};
use crate::guest::life::{Cause, Guest};
use crate::lightningd::message::RequestId;
use crate::lightningd::output::Level;

impl Bridge {
    /// The `result` member for one hook request. Always one that lightningd accepts.
    pub(super) async fn hook(
        &self,
        routes: &Routes,
        chained: &Chained,
        payload: Payload,
        id: &RequestId,
    ) -> String {
        let spec = chained.spec;
        let upgraded = cln_protocol::upgrade::hook(self.version, spec.name, &payload.whole);
        let (payload, shown) = match upgraded {
            Some(upgraded) => (upgraded.into(), None),
            None => (payload.whole, payload.shown),
        };
        let facts = NodeFacts {
            network: self.network.get().cloned(),
        };
        let lineage = match spec.name {
            "rpc_command" => self.node.lineages.of_rpc_command(&payload),
            _ => self.node.lineages.of_id(id.token()),
        };
        let mut chain = (spec.begin)(Arc::clone(&payload), &facts);
        if spec.name == "rpc_command" && self.node_starts() && bundled::calls_in_init(&payload) {
            return chain.finish();
        }
        // Before the others: none of them could make it good again.
        let left_out = chained.left_out.iter();
        for guest in left_out.filter_map(|index| routes.left_out.get(*index)) {
            guest.refused(spec.name);
            if chain.fallback(Stance::Closed) == Flow::Done {
                return chain.finish();
            }
        }
        // What is known already is of the first guest alone.
        let first = iter::once(shown).chain(iter::repeat(None));
        let links = chained.links.iter().zip(first);
        match spec.delivery {
            Delivery::InTurn => {
                for (link, shown) in links {
                    if !wants(link, &payload) {
                        continue;
                    }
                    let Some(member) = routes.member(link.guest) else {
                        continue;
                    };
                    let shown = Payload {
                        whole: chain.payload(),
                        shown,
                    };
                    let asked = self.ask(spec, &member.guest, link, shown, &lineage).await;
                    let Some(asked) = asked else { continue };
                    if self.take(spec, &member.guest, link, chain.as_mut(), asked) == Flow::Done {
                        break;
                    }
                }
            }
            Delivery::AllAtOnce => {
                let whole = chain.payload();
                let asked = links.filter_map(|(link, shown)| {
                    let guest = &routes.member(link.guest)?.guest;
                    let whole = Arc::clone(&whole);
                    let asking = self.ask(spec, guest, link, Payload { whole, shown }, &lineage);
                    Some(async move { (guest, link, asking.await) })
                });
                for (guest, link, asked) in join_all(asked).await {
                    let Some(asked) = asked else { continue };
                    if self.take(spec, guest, link, chain.as_mut(), asked) == Flow::Done {
                        break;
                    }
                }
            }
        }
        chain.finish()
    }

    /// One guest's answer, or why there is none. `None`: it is not to be asked.
    async fn ask(
        &self,
        spec: &'static HookSpec,
        guest: &Arc<Guest>,
        link: &Link,
        payload: Payload,
        lineage: &Lineage,
    ) -> Option<Asked> {
        if lineage.contains(guest.name()) {
            // Its own call has come back to it: it has nothing to say to itself, and
            // would wait for itself for ever.
            return None;
        }
        let Payload { whole, shown } = payload;
        let payload = match shown {
            Some(shown) => shown,
            None if link.withheld.is_empty() => whole,
            None => match link.withheld.from(&whole) {
                Ok(rest) => rest.into(),
                Err(e) => {
                    let why = format!("lightningd's payload is no JSON: {e}");
                    let answer = Err(Fault::Absent(why.into()));
                    return Some(Asked {
                        payload: whole,
                        began: Instant::now().into_std(),
                        answer,
                    });
                }
            },
        };
        let deadline = guest.capabilities().policy.limits.hook_deadline(spec.name);
        let (hook, lineage) = (spec.name, lineage.clone());
        let cause = Cause {
            request: None,
            lineage,
        };
        let call = Call::Hook {
            hook,
            payload: Arc::clone(&payload),
        };
        let began = Instant::now();
        let mut answer = guest.call_begun(began, call, deadline, cause).await;
        if let Ok(Answer::Json(text)) = &answer
            && let Err(why) = allowed(spec, guest, text).await
        {
            answer = Err(Fault::Answer(why));
        }
        Some(Asked {
            payload,
            began: began.into_std(),
            answer,
        })
    }

    /// Takes an answer into the chain, or the fallback in its place.
    fn take(
        &self,
        spec: &HookSpec,
        guest: &Guest,
        link: &Link,
        chain: &mut dyn Chain,
        asked: Asked,
    ) -> Flow {
        let capabilities = guest.capabilities();
        let (label, began) = (Label::Hook(spec.name), asked.began);
        let bad = |kind, text: &str| {
            let (hook, payload) = (spec.name, Arc::clone(&asked.payload));
            capabilities.bad_answer(kind, text, Call::Hook { hook, payload }, began)
        };
        let mut written = Written::default();
        let why = match &asked.answer {
            // Like a plugin that disabled itself, it is not there, unless the operator wants a
            // refusal wherever it has no answer.
            Err(Fault::Disabled(_))
                if capabilities.policy.on_fault.chosen(spec.name) != Some(Stance::Closed) =>
            {
                return Flow::Next;
            }
            Ok(Answer::Json(answer)) if is_too_deep(answer) => {
                let text = format!(
                    "answered what lightningd would not accept: more than {DEEPEST} levels"
                );
                written = bad(Kind::Answer, &text);
                text
            }
            Ok(Answer::Json(answer)) => match restored(link, chain, answer) {
                Ok(taken) => {
                    capabilities.faults.good(&label);
                    if let Some(ignored) = taken.ignored {
                        self.node.log.write(
                            Level::Info,
                            guest.name(),
                            &format!("{}: {}", spec.name, excerpt(&ignored)),
                        );
                    }
                    return taken.flow;
                }
                Err(invalid) => {
                    let invalid = excerpt(&invalid.to_string());
                    let text = format!("answered what lightningd would not accept: {invalid}");
                    written = bad(Kind::Answer, &text);
                    text
                }
            },
            Ok(Answer::Declined(reason)) => {
                capabilities.faults.good(&label);
                format!("has no answer: {}", excerpt(reason))
            }
            Ok(_) => "has no answer".to_owned(),
            Err(fault) => {
                let text = excerpt(&fault.to_string());
                match fault {
                    Fault::Deadline(_) => written = bad(Kind::Deadline, &text),
                    Fault::Answer(_) => written = bad(Kind::Answer, &text),
                    _ => {}
                }
                text
            }
        };
        let stance = capabilities.policy.on_fault.stance(spec.name, spec.stance);
        let instead = match stance {
            Stance::Open => "as if it were not there (on-fault: open)",
            Stance::Closed => "the safe refusal (on-fault: closed)",
        };
        capabilities.fault_line(&format!(
            "{label}: {why}; lightningd gets {instead}{written}"
        ));
        chain.fallback(stance)
    }
}

/// Takes an answer, with the records that the guest was not shown put back.
fn restored(link: &Link, chain: &mut dyn Chain, answer: &str) -> Result<Taken, Invalid> {
    let records = link.withheld.record_types();
    if records.is_empty() {
        return chain.answer(answer);
    }
    match chain.restore(answer, records) {
        Some(whole) => chain.answer(&whole),
        None => chain.answer(answer),
    }
}

/// Answers that act with the authority of somebody else need a grant of their own.
async fn allowed(spec: &HookSpec, guest: &Guest, answer: &str) -> Result<(), String> {
    if spec.name != RpcCommand::NAME {
        return Ok(());
    }
    match rpc_command::intent(answer) {
        Ok(intent) => {
            let capabilities = guest.capabilities();
            capabilities.may_answer_rpc_command(&intent).await
        }
        // The chain will say what is wrong with it.
        Err(_) => Ok(()),
    }
}

/// What a hook is called with.
pub(super) struct Payload {
    /// All of it.
    pub(super) whole: Arc<str>,
    /// What the first guest is shown of it, if that is known already.
    pub(super) shown: Option<Arc<str>>,
}

/// One guest's answer, and to what.
struct Asked {
    /// As the guest was shown it.
    payload: Arc<str>,
    began: std::time::Instant,
    answer: Result<Answer, Fault>,
}

/// Does this guest want this event? lightningd of v25.11 and older does not filter,
/// and with several guests the bridge asks for all that any of them wants.
fn wants(link: &Link, payload: &str) -> bool {
    #[derive(Deserialize)]
    struct RpcCommand<'a> {
        #[serde(borrow)]
        rpc_command: Method<'a>,
    }
    #[derive(Deserialize)]
    struct Method<'a> {
        #[serde(borrow)]
        method: std::borrow::Cow<'a, str>,
    }
    #[derive(Deserialize)]
    struct CustomMessage<'a> {
        #[serde(borrow)]
        payload: std::borrow::Cow<'a, str>,
    }
    match &link.filters {
        None => true,
        Some(HookFilters::Methods(methods)) => {
            match serde_json::from_str::<RpcCommand<'_>>(payload) {
                Ok(command) => methods.iter().any(|m| *m == command.rpc_command.method),
                // A guard must not be passed by because the bridge cannot read the command.
                Err(_) => true,
            }
        }
        Some(HookFilters::MessageTypes(types)) => {
            match serde_json::from_str::<CustomMessage<'_>>(payload) {
                Ok(message) => {
                    let head = message.payload.get(..4).unwrap_or_default();
                    u64::from_str_radix(head, 16).is_ok_and(|kind| types.contains(&kind))
                }
                Err(_) => true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::withhold::Withheld;

    fn link(filters: HookFilters) -> Link {
        Link {
            guest: 0,
            filters: Some(filters),
            withheld: Withheld::default(),
        }
    }

    #[test]
    fn filters_are_applied_again() {
        let pay = link(HookFilters::Methods(vec!["pay".to_owned()]));
        assert!(wants(
            &pay,
            r#"{"rpc_command":{"id":"1","method":"pay","params":{}}}"#
        ));
        assert!(!wants(
            &pay,
            r#"{"rpc_command":{"id":"1","method":"pay2","params":{}}}"#
        ));
        assert!(
            wants(&pay, r#"{"rpc_command":{}}"#),
            "what cannot be read is shown to the guard"
        );
        let types = link(HookFilters::MessageTypes(vec![0x1337]));
        assert!(wants(&types, r#"{"peer_id":"02","payload":"1337ff"}"#));
        assert!(!wants(&types, r#"{"peer_id":"02","payload":"1339"}"#));
        assert!(!wants(&types, r#"{"peer_id":"02","payload":"é"}"#));
        let none = link(HookFilters::Methods(Vec::new()));
        assert!(!wants(
            &none,
            r#"{"rpc_command":{"id":"1","method":"pay","params":{}}}"#
        ));
    }
}
