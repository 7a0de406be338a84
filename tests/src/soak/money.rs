//! lightningd's RPC as far as it spends: it remembers what every call may have cost.

use std::io::{BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde_json::{Value, json};

use super::Chance;

/// What was spent.
pub(super) struct Money(Arc<Mutex<Purse>>);

struct Purse {
    chance: Chance,
    /// Calls since this was last asked.
    payments: u64,
    /// In msat, since the state is new.
    spent: u64,
    /// Every payment is answered, and costs all that was asked.
    reliable: bool,
}

impl Money {
    /// Listens at `path`.
    pub(super) fn listen(path: &Path, seed: u64) -> anyhow::Result<Money> {
        let listener = UnixListener::bind(path).context("the socket")?;
        let purse = Arc::new(Mutex::new(Purse {
            chance: Chance(seed | 1),
            payments: 0,
            spent: 0,
            reliable: false,
        }));
        let shared = Arc::clone(&purse);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let purse = Arc::clone(&shared);
                std::thread::spawn(move || serve(&stream, &purse));
            }
        });
        Ok(Money(purse))
    }

    /// Calls since this was last asked, and the msat that were spent on this state.
    pub(super) fn spent(&self) -> (u64, u64) {
        let mut purse = lock(&self.0);
        (std::mem::take(&mut purse.payments), purse.spent)
    }

    /// A new state begins.
    pub(super) fn reset(&self) {
        let mut purse = lock(&self.0);
        purse.spent = 0;
        purse.reliable = false;
    }

    /// From now on every payment is answered, and costs all that was asked.
    pub(super) fn be_reliable(&self) {
        lock(&self.0).reliable = true;
    }
}

fn lock(purse: &Mutex<Purse>) -> MutexGuard<'_, Purse> {
    purse.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: &UnixStream, purse: &Mutex<Purse>) {
    let requests = serde_json::Deserializer::from_reader(BufReader::new(stream));
    let mut to = stream;
    for request in requests.into_iter::<Value>().map_while(Result::ok) {
        let Some(mut answer) = carry_out(&request, purse) else {
            continue;
        };
        answer["jsonrpc"] = json!("2.0");
        answer["id"] = request["id"].clone();
        // Whoever asked may be dead.
        if to.write_all(format!("{answer}\n\n").as_bytes()).is_err() {
            return;
        }
    }
}

/// What lightningd could do with a payment; each costs at most what was asked.
fn carry_out(request: &Value, purse: &Mutex<Purse>) -> Option<Value> {
    if request["method"] != "keysend" {
        return Some(json!({"result": {}}));
    }
    let asked = request["params"]["amount_msat"]
        .as_u64()
        .unwrap_or(u64::MAX);
    let mut purse = lock(purse);
    purse.payments += 1;
    let outcome = match purse.reliable {
        true => u64::MAX,
        false => purse.chance.below(8),
    };
    let (cost, answer) = match outcome {
        // Not understood: nothing was sent.
        0 => (0, Some(json!({"error": {"code": -32602, "message": "no"}}))),
        // Failed, but parts of it may be under way.
        1 => (
            asked,
            Some(json!({"error": {"code": 210, "message": "stuck"}})),
        ),
        // Never answered.
        2 => (asked, None),
        _ => {
            let sent = match purse.reliable {
                true => asked,
                false => purse.chance.below(asked.saturating_add(1)),
            };
            let paid = json!({"status": "complete", "amount_sent_msat": sent});
            (sent, Some(json!({"result": paid})))
        }
    };
    purse.spent = purse.spent.saturating_add(cost);
    answer
}
