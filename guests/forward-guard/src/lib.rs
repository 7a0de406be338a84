//! Limits which forwards the node makes: by amount, by fee, and by peer.
//!
//! It looks at HTLCs that are to be forwarded; payments to this node pass. A
//! forward outside the limits fails with the code that BOLT 4 has for it, so that the
//! sender looks for another way.
//!
//! # Options
//!
//! All may be changed while the node runs (`lightning-cli setconfig`).
//!
//! | option | default | a forward is refused | as |
//! | --- | --- | --- | --- |
//! | `forward-guard-min-msat` | 0 | of less (what goes on) | `amount_below_minimum` |
//! | `forward-guard-max-msat` | none | of more (what goes on) | `temporary_channel_failure` |
//! | `forward-guard-min-fee-base` | 0 | that leaves less than this many msat and | `fee_insufficient` |
//! | `forward-guard-min-fee-ppm` | 0 | this many millionths of what goes on | `fee_insufficient` |
//! | `forward-guard-deny-peer` | none | from or to this node (a public key; may be given several times) | `temporary_channel_failure` |
//!
//! A max of 0 is no limit. To know whose the next channel is, the guest asks the node
//! (`listpeerchannels`) when it meets a channel that it does not know, and at most once
//! in `forward-guard-refresh` seconds (10). It asks only if a peer is denied. While
//! the node cannot be asked, or not again so soon, and the next peer is therefore not known,
//! `forward-guard-on-rpc-failure` decides: `closed` (the default) refuses the forward
//! with `temporary_channel_failure`, `open` lets it pass.
//!
//! # Method
//!
//! `forward-guard-status` shows the limits, how many forwards have passed, and how
//! many were refused for what reason, all since the guest started.
//!
//! # Grants
//!
//! The hook `htlc_accepted` without its secrets, the topics `channel_state_changed` and
//! `connect`, the method `forward-guard-status`, and `listpeerchannels` of lightningd.
//! See `forward-guard.toml` beside this crate.

mod channels;
mod limits;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use cln_guest::prelude::*;

use channels::{Channels, Name, Owner};
use limits::{Excess, Limits};

const MIN_MSAT: IntOption =
    IntOption::new("forward-guard-min-msat", "Least amount to forward, in msat")
        .default(0)
        .dynamic();
const MAX_MSAT: IntOption = IntOption::new(
    "forward-guard-max-msat",
    "Most to forward at once, in msat; 0 is no limit",
)
.default(0)
.dynamic();
const MIN_FEE_BASE: IntOption = IntOption::new(
    "forward-guard-min-fee-base",
    "Least fee of each forward, in msat",
)
.default(0)
.dynamic();
const MIN_FEE_PPM: IntOption = IntOption::new(
    "forward-guard-min-fee-ppm",
    "Least fee on top, in millionths of what is forwarded",
)
.default(0)
.dynamic();
const DENY_PEER: MultiStringOption = MultiStringOption::new(
    "forward-guard-deny-peer",
    "Public key of a node from and to which nothing is forwarded",
)
.dynamic();
const REFRESH: IntOption = IntOption::new(
    "forward-guard-refresh",
    "Seconds before the node is asked for its channels again",
)
.default(10)
.dynamic();
const ON_RPC_FAILURE: StringOption = StringOption::new(
    "forward-guard-on-rpc-failure",
    "open or closed: what becomes of forwards whose next peer cannot be found out",
)
.default("closed")
.dynamic();

/// How many forwards had which end.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
struct Counters {
    passed: u64,
    below_minimum: u64,
    above_maximum: u64,
    fee_too_small: u64,
    denied_peer: u64,
    /// Refused, because the next peer was not known.
    unknown_peer_refused: u64,
    /// Passed, although the next peer was not known.
    unknown_peer_passed: u64,
}

/// What the guest knows.
#[derive(Debug, Default)]
pub struct State {
    counters: Cell<Counters>,
    denied: RefCell<BTreeSet<PublicKey>>,
    channels: Channels,
}

impl State {
    fn count(&self, change: impl FnOnce(&mut Counters)) {
        let mut counters = self.counters.get();
        change(&mut counters);
        self.counters.set(counters);
    }

    fn is_denied(&self, peer: &PublicKey) -> bool {
        self.denied.borrow().contains(peer)
    }
}

fn keys(texts: &[String]) -> Result<BTreeSet<PublicKey>, String> {
    texts
        .iter()
        .map(|text| {
            text.trim()
                .parse()
                .map_err(|reason| format!("{text:?} is not a node's public key: {reason}"))
        })
        .collect()
}

fn limits(cx: &Cx<State>) -> Limits {
    // Negative values are refused when they are set.
    let msat = |value: i64| u64::try_from(value).unwrap_or(0);
    let max = msat(cx.option(&MAX_MSAT));
    Limits {
        min_msat: msat(cx.option(&MIN_MSAT)),
        max_msat: (max > 0).then_some(max),
        min_fee_base_msat: msat(cx.option(&MIN_FEE_BASE)),
        min_fee_ppm: msat(cx.option(&MIN_FEE_PPM)),
    }
}

/// Whether the forward is to or from a peer that is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peers {
    Fine,
    Denied,
    Unknown,
}

async fn peers(cx: &Cx<State>, payload: &HtlcAcceptedPayload) -> Peers {
    let state = cx.state();
    if state.denied.borrow().is_empty() {
        return Peers::Fine;
    }
    let pause = Duration::from_secs(u64::try_from(cx.option(&REFRESH)).unwrap_or(0));
    let mut unknown = false;
    // The peer that it came from is named while it is connected.
    let from = match (payload.peer_id, payload.htlc.short_channel_id) {
        (Some(peer), _) => Owner::Peer(peer),
        (None, Some(scid)) => state.channels.owner(cx, Name::Short(scid), pause).await,
        (None, None) => Owner::Unknown,
    };
    // `forward_to` is where it will really go; a blinded path names the node instead.
    let to = match (
        payload.forward_to,
        payload.onion.short_channel_id,
        payload.onion.next_node_id,
    ) {
        (Some(channel), _, _) => state.channels.owner(cx, Name::Long(channel), pause).await,
        (None, _, Some(node)) => Owner::Peer(node),
        (None, Some(scid), None) => state.channels.owner(cx, Name::Short(scid), pause).await,
        (None, None, None) => Owner::Unknown,
    };
    for owner in [from, to] {
        match owner {
            Owner::Peer(peer) if state.is_denied(&peer) => return Peers::Denied,
            Owner::Peer(_) | Owner::Nobody => {}
            Owner::Unknown => unknown = true,
        }
    }
    if unknown { Peers::Unknown } else { Peers::Fine }
}

async fn on_htlc_accepted(cx: Cx<State>, payload: HtlcAcceptedPayload) -> HtlcAcceptedAction {
    let (onion, incoming) = (&payload.onion, payload.htlc.amount_msat);
    let is_forward = onion.short_channel_id.is_some()
        || onion.next_node_id.is_some()
        || payload.forward_to.is_some();
    // lightningd refuses an onion that it cannot read.
    let (true, Some(outgoing)) = (is_forward, onion.forward_msat) else {
        return HtlcAcceptedAction::pass();
    };
    let state = cx.state();
    let refuse = |why: &str, message: FailureMessage| {
        log::info!(
            "a forward of {outgoing} is refused: {why} ({})",
            payload.htlc.payment_hash
        );
        HtlcAcceptedAction::fail(message)
    };
    match limits(&cx).check(incoming, outgoing) {
        Ok(()) => {}
        Err(Excess::BelowMinimum) => {
            state.count(|counters| counters.below_minimum += 1);
            return refuse(
                "less than the minimum",
                FailureMessage::amount_below_minimum(incoming),
            );
        }
        Err(Excess::AboveMaximum) => {
            state.count(|counters| counters.above_maximum += 1);
            return refuse(
                "more than the maximum",
                FailureMessage::temporary_channel_failure(),
            );
        }
        Err(Excess::FeeTooSmall) => {
            state.count(|counters| counters.fee_too_small += 1);
            return refuse(
                "the fee is too small",
                FailureMessage::fee_insufficient(incoming),
            );
        }
    }
    match peers(&cx, &payload).await {
        Peers::Fine => {}
        Peers::Denied => {
            state.count(|counters| counters.denied_peer += 1);
            return refuse(
                "a peer is denied",
                FailureMessage::temporary_channel_failure(),
            );
        }
        Peers::Unknown if cx.option(&ON_RPC_FAILURE) == "open" => {
            state.count(|counters| counters.unknown_peer_passed += 1);
            return HtlcAcceptedAction::pass();
        }
        Peers::Unknown => {
            state.count(|counters| counters.unknown_peer_refused += 1);
            return refuse(
                "the next peer is not known",
                FailureMessage::temporary_channel_failure(),
            );
        }
    }
    state.count(|counters| counters.passed += 1);
    HtlcAcceptedAction::pass()
}

async fn on_state_changed(cx: Cx<State>, _: ChannelStateChangedPayload) {
    cx.state().channels.outdate();
}

async fn on_connect(cx: Cx<State>, _: ConnectPayload) {
    cx.state().channels.outdate();
}

/// What the method shows.
#[derive(Debug, serde::Serialize)]
struct Status {
    limits: Limits,
    denied_peers: Vec<PublicKey>,
    on_rpc_failure: String,
    forwards: Counters,
    channel_names_known: usize,
    rpc_calls: u64,
    rpc_failures: u64,
}

async fn status(cx: Cx<State>, _: ()) -> Result<Status, RpcError> {
    let state = cx.state();
    let (channel_names_known, rpc_calls, rpc_failures) = state.channels.counts();
    Ok(Status {
        limits: limits(&cx),
        denied_peers: state.denied.borrow().iter().copied().collect(),
        on_rpc_failure: cx.option(&ON_RPC_FAILURE),
        forwards: state.counters.get(),
        channel_names_known,
        rpc_calls,
        rpc_failures,
    })
}

fn not_negative(value: &i64) -> Result<(), String> {
    match value {
        0.. => Ok(()),
        _ => Err("must not be negative".to_owned()),
    }
}

/// The guest.
pub fn guest() -> Guest<State> {
    Guest::new(|init: &Init| {
        Ok(State {
            denied: RefCell::new(keys(&init.option(&DENY_PEER))?),
            ..State::default()
        })
    })
    .dynamic()
    .validate(&MIN_MSAT, not_negative)
    .validate(&MAX_MSAT, not_negative)
    .validate(&MIN_FEE_BASE, not_negative)
    .validate(&MIN_FEE_PPM, not_negative)
    .validate(&DENY_PEER, |texts| keys(texts).map(drop))
    .on_setconfig(&DENY_PEER, |cx, texts| {
        *cx.state().denied.borrow_mut() = keys(&texts)?;
        Ok(())
    })
    .validate(&REFRESH, |seconds| match seconds {
        1..=86_400 => Ok(()),
        _ => Err("must be from 1 to 86400 seconds".to_owned()),
    })
    .validate(&ON_RPC_FAILURE, |text| match text.as_str() {
        "open" | "closed" => Ok(()),
        _ => Err(format!("must be open or closed, not {text:?}")),
    })
    .method(
        Method::new(
            "forward-guard-status",
            "",
            "Shows the limits on forwards, and how many kept to them",
        )
        .category("channels"),
        status,
    )
    .hook::<HtlcAccepted>(on_htlc_accepted)
    .subscribe::<ChannelStateChanged>(on_state_changed)
    .subscribe::<Connect>(on_connect)
    .request("hooks: htlc_accepted", "to refuse forwards")
    .request(
        "subscriptions: channel_state_changed",
        "to know when there are new channels",
    )
    .request(
        "subscriptions: connect",
        "to know when there may be new channels",
    )
    .request(
        "rpc: method=listpeerchannels",
        "to know whose the next channel is",
    )
}

cln_guest::export!(guest);
