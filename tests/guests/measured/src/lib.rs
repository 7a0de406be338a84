//! The guest that the measurements run: it reads what it is given, as an author's
//! guest would, and answers "continue".
//!
//! Its name and what it takes part in are written over the placeholder in the built
//! file: `NAME PARTS`, each part a letter of `h` (hook `htlc_accepted`), `d` (hook
//! `db_write`) and `n` (topic `block_added`). Two guests with two names are two modules.
//!
//! | method | answers |
//! | --- | --- |
//! | `NAME-echo ...` | "ok", once it has parsed whatever it was given |
//! | `NAME-blob bytes` | a text of that length |
//! | `NAME-wait count` | how many notifications have come, once there are that many |
//! | `NAME-burn rounds` | a number, after that many rounds of arithmetic without a pause |

use std::cell::{Cell, RefCell};
use std::hint::black_box;

use cln_guest::prelude::*;

/// Where the name and the parts are written.
const MARK: &[u8] = b"cln-wasm measured guest: name and parts follow=";
const ROOM: usize = 128;

/// Blanks, not zeros, so that the linker keeps them in the file.
static PLACE: [u8; ROOM] = {
    let mut place = [b' '; ROOM];
    let mut at = 0;
    while at < MARK.len() {
        place[at] = MARK[at];
        at += 1;
    }
    place
};

/// What the guest knows.
#[derive(Debug, Default)]
pub struct State {
    seen: Cell<u64>,
    /// Who waits, and for how many.
    waiting: RefCell<Vec<(u64, Ticket<u64>)>>,
}

async fn on_htlc_accepted(_: Cx<State>, payload: HtlcAcceptedPayload) -> HtlcAcceptedAction {
    black_box(&payload);
    HtlcAcceptedAction::pass()
}

async fn on_db_write(_: Cx<State>, payload: DbWritePayload) -> DbWriteAction {
    black_box(&payload);
    DbWriteAction::pass()
}

async fn on_block_added(cx: Cx<State>, payload: BlockAddedPayload) {
    black_box(&payload);
    let state = cx.state();
    let seen = state.seen.get() + 1;
    state.seen.set(seen);
    let mut waiting = state.waiting.borrow_mut();
    while let Some(at) = waiting.iter().position(|(count, _)| *count <= seen) {
        let (_, ticket) = waiting.swap_remove(at);
        // Whoever waits no more does not want to know.
        let _ = ticket.settle(seen);
    }
}

async fn echo(_: Cx<State>, params: Value) -> Result<&'static str, RpcError> {
    black_box(&params);
    Ok("ok")
}

#[derive(serde::Deserialize)]
struct BlobParams {
    bytes: usize,
}

async fn blob(_: Cx<State>, params: BlobParams) -> Result<String, RpcError> {
    Ok("x".repeat(params.bytes))
}

#[derive(serde::Deserialize)]
struct WaitParams {
    count: u64,
}

async fn wait(cx: Cx<State>, params: WaitParams) -> Result<u64, RpcError> {
    let state = cx.state();
    if state.seen.get() >= params.count {
        return Ok(state.seen.get());
    }
    let (ticket, answer) = hold();
    state.waiting.borrow_mut().push((params.count, ticket));
    Ok(answer.await?)
}

#[derive(serde::Deserialize)]
struct BurnParams {
    rounds: u64,
}

async fn burn(_: Cx<State>, params: BurnParams) -> Result<u64, RpcError> {
    let mut number = 1u64;
    for round in 0..params.rounds {
        number = black_box(number.rotate_left(5) ^ round);
    }
    Ok(number)
}

/// The guest.
pub fn guest() -> Guest<State> {
    // Without the black box the compiler would read the placeholder, not what is there.
    let place: &[u8; ROOM] = black_box(&PLACE);
    let text = String::from_utf8_lossy(&place[MARK.len()..]);
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or("measured");
    let parts = words.next().unwrap_or_default();
    let method =
        |what: &str, usage: &str| Method::new(&format!("{name}-{what}"), usage, "For measurements");
    // With its state from the beginning: db_write comes before init.
    let mut guest = Guest::with_state(State::default())
        .dynamic()
        .method(method("echo", ""), echo)
        .method(method("blob", "bytes"), blob)
        .method(method("wait", "count"), wait)
        .method(method("burn", "rounds"), burn);
    if parts.contains('h') {
        guest = guest.hook::<HtlcAccepted>(on_htlc_accepted);
    }
    if parts.contains('d') {
        guest = guest.hook::<DbWrite>(on_db_write);
    }
    if parts.contains('n') {
        guest = guest.subscribe::<BlockAdded>(on_block_added);
    }
    guest
}

cln_guest::export!(guest);
