//! Echoes between peers, over custom messages: is the peer there, does it answer, how
//! long does that take?
//!
//! ```text
//! $ lightning-cli custommsg-echo-ping 03efb7...4337 hello
//! {
//!    "peer_id": "03efb7...4337",
//!    "payload": "hello",
//!    "round_trip_us": 1284
//! }
//! ```
//!
//! A peer's request is answered in the background: lightningd reads nothing more from a
//! peer until the hook `custommsg` is done.

mod message;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use cln_guest::prelude::*;
use futures::future::{Either, select};
use serde::{Deserialize, Serialize};

pub use message::{ECHO, REQUEST};
use message::{LONGEST_PAYLOAD, Message};

const TIMEOUT: IntOption = IntOption::new(
    "custommsg-echo-timeout",
    "How many seconds custommsg-echo-ping waits for the echo",
)
.default(10)
.dynamic();

/// Answers on their way. What comes beyond is not answered: a peer that floods us must
/// not make lightningd write without end.
const MOST_ANSWERS: usize = 16;

/// No such peer, or it went away (`JSONRPC2_INVALID_PARAMS` is for wrong parameters only).
const NOT_SENT: i64 = 900;
/// It did not answer in time.
const NO_ECHO: i64 = 901;

/// One ping: to whom, and its tag.
type Key = (PublicKey, u64);

/// The pings that wait, and the answers that are on their way.
#[derive(Debug, Default)]
pub struct State {
    pings: RefCell<BTreeMap<Key, Ticket<Vec<u8>>>>,
    last_tag: Cell<u64>,
    answering: Cell<usize>,
    unanswered: Cell<u64>,
}

#[derive(Serialize)]
struct Sendcustommsg {
    node_id: PublicKey,
    msg: String,
}

async fn send(cx: &Cx<State>, node_id: PublicKey, msg: String) -> Result<(), CallError> {
    let params = Sendcustommsg { node_id, msg };
    let _: Value = cx.rpc().call("sendcustommsg", &params).await?;
    Ok(())
}

async fn on_custommsg(cx: Cx<State>, received: hooks::CustommsgPayload) -> CustommsgAction {
    let peer = received.peer_id;
    match Message::read(&received) {
        Some(Message::Request(content)) => answer(&cx, peer, content),
        Some(Message::Echo { tag, payload }) => {
            let ping = cx.state().pings.borrow_mut().remove(&(peer, tag));
            match ping {
                // Who waited may have given up this very moment.
                Some(ping) => drop(ping.settle(payload)),
                None => log::debug!("{peer} sent an echo that nobody waits for"),
            }
        }
        None => log::debug!("{peer} sent an echo that cannot be read"),
    }
    CustommsgAction::pass()
}

fn answer(cx: &Cx<State>, peer: PublicKey, content: String) {
    let state = cx.state();
    if state.answering.get() >= MOST_ANSWERS {
        state.unanswered.set(state.unanswered.get() + 1);
        let count = state.unanswered.get();
        log::debug!(
            "{peer}: {MOST_ANSWERS} answers are on their way, {count} requests not answered"
        );
        return;
    }
    state.answering.set(state.answering.get() + 1);
    let cx = cx.background();
    cx.clone().spawn(async move {
        let sent = send(&cx, peer, message::echo(&content)).await;
        let answering = &cx.state().answering;
        answering.set(answering.get().saturating_sub(1));
        match sent {
            Ok(()) => log::debug!("{peer} was answered"),
            Err(error) => log::info!("{peer} could not be answered: {error}"),
        }
    });
}

/// Whom to ping.
#[derive(Debug, Clone, Deserialize)]
struct PingParams {
    peer_id: PublicKey,
    /// What to send along; nothing where it is not given.
    payload: Option<String>,
}

#[derive(Debug, Serialize)]
struct Pong {
    peer_id: PublicKey,
    /// What came back: what was sent.
    payload: String,
    /// From before the request was handed to lightningd until the echo was here.
    round_trip_us: u64,
}

async fn ping_check(_: Cx<State>, params: PingParams) -> Result<(), RpcError> {
    let length = params.payload.as_deref().unwrap_or_default().len();
    if length > LONGEST_PAYLOAD {
        let reason =
            format!("payload: {length} bytes, and at most {LONGEST_PAYLOAD} fit a message");
        return Err(RpcError::invalid_params(reason));
    }
    Ok(())
}

/// Takes a ping off the list, however its wait ends.
struct Waiting<'a> {
    state: &'a State,
    key: Key,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.state.pings.borrow_mut().remove(&self.key);
    }
}

async fn ping(cx: Cx<State>, params: PingParams) -> Result<Pong, RpcError> {
    ping_check(cx.clone(), params.clone()).await?;
    let PingParams { peer_id, payload } = params;
    let payload = payload.unwrap_or_default();
    let began = cx.now();
    let key = (peer_id, next_tag(&cx));
    let (ticket, echo) = hold();
    cx.state().pings.borrow_mut().insert(key, ticket);
    let state = cx.shared_state();
    let _waiting = Waiting { state: &state, key };

    let request = message::request(key.1, payload.as_bytes());
    if let Err(error) = send(&cx, peer_id, request).await {
        return Err(RpcError::new(
            NOT_SENT,
            format!("not sent to {peer_id}: {error}"),
        ));
    }
    let seconds = u64::try_from(cx.option(&TIMEOUT)).unwrap_or(0);
    let patience = std::pin::pin!(cx.sleep(Duration::from_secs(seconds)));
    let echo = match select(echo, patience).await {
        Either::Left((echo, _)) => echo?,
        Either::Right((slept, _)) => {
            slept?;
            let reason = format!("no echo from {peer_id} in {seconds} s");
            return Err(RpcError::new(NO_ECHO, reason));
        }
    };
    if echo != payload.as_bytes() {
        let reason = format!("the echo of {peer_id} is not what was sent to it");
        return Err(RpcError::new(NO_ECHO, reason));
    }
    let round_trip = cx.now().duration_since(began).unwrap_or_default();
    Ok(Pong {
        peer_id,
        payload,
        round_trip_us: u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX),
    })
}

/// A tag that no ping has had, in an instance before this one either: they begin with
/// the time.
fn next_tag(cx: &Cx<State>) -> u64 {
    let now = cx.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let tag = now.max(cx.state().last_tag.get().wrapping_add(1));
    cx.state().last_tag.set(tag);
    tag
}

/// The guest.
pub fn guest() -> Guest<State> {
    Guest::new(|_: &Init| Ok(State::default()))
        .dynamic()
        .validate(&TIMEOUT, |seconds| match seconds {
            1..=600 => Ok(()),
            _ => Err("must be from 1 to 600".to_owned()),
        })
        .checked_method(
            Method::new(
                "custommsg-echo-ping",
                "peer_id [payload]",
                "Sends {payload} to the connected {peer_id}, which must run custommsg-echo too, and waits for its echo",
            )
            .category("plugin"),
            ping_check,
            ping,
        )
        .hook_with::<hooks::Custommsg>(
            HookOptions::new().filter(REQUEST).filter(ECHO),
            on_custommsg,
        )
        .request("hooks: custommsg", "to hear peers' echo requests and echoes")
        .request("methods: custommsg-echo-ping", "to ping a peer")
        .request(
            "rpc: method=sendcustommsg&pnamemsg^a455|pnamemsg^a457",
            "to send requests and echoes",
        )
        .request("timer", "to give up on a peer that does not answer")
}

cln_guest::export!(guest);
