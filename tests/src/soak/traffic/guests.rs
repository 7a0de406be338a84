//! The guests, and what they are shown.

use serde_json::{Value, json};

use crate::bridge::{Folder, manifest, methods, payload};

/// Hooks that the first guest answers at once.
pub(super) const ANSWERED: [&str; 2] = ["custommsg", "commitment_revocation"];
/// Guests whose instance ends with each fault, and their hooks.
pub(super) const TRAPS: [(&str, &str); 3] = [
    ("t1", "peer_connected"),
    ("t2", "rbf_channel"),
    ("t3", "openchannel2"),
];
/// The guest whose answers cannot be used, and its hook.
pub(super) const BAD: (&str, &str) = ("bad", "openchannel");
/// The guest that is late, and its hook.
pub(super) const LATE: (&str, &str) = ("late", "onion_message_recv");
/// Bad answers in a row to one hook after which that guest is replaced.
pub(super) const ROW: u64 = 10;
/// Crash bundles that are kept of one guest.
pub(super) const BUNDLES: usize = 16;
/// The preimage of 32 zero bytes' hash.
const HASH: &str = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
/// Past its hook's deadline in this guest, in ms.
const LATE_BY: u64 = 150;

/// As often as they like, and at once.
const RESTARTS: &str = "[on-fault]\ndefault = \"open\"\nlate_answers = \"none\"\n\
    [on-fault.restart]\ntimes = 1000000\nwithin = \"1 min\"\npause = \"1 ms\"\nlongest_pause = \"1 ms\"\n";

/// Puts all guests into a folder.
pub(super) fn folder() -> Folder {
    let mut folder = Folder::new()
        .scripted("a-answers", answers())
        .scripted("calls", calls())
        .scripted("holds", holds())
        .scripted(
            "counts",
            observer("counts", json!({"tally": "/block_added/height"}), 1_024),
        )
        .scripted(
            "slow",
            observer(
                "slow",
                json!([{"tally": "/block_added/height"}, {"sleep": 2}]),
                16,
            ),
        )
        .scripted("bad", bad())
        .scripted("late", late());
    for (name, hook) in TRAPS {
        folder = folder.scripted(name, traps(name, hook));
    }
    folder
}

fn answers() -> Value {
    let hooks = [ANSWERED.as_slice(), &["rpc_command"]].concat();
    json!({
        "manifest": manifest(json!({"hooks": hooks, "rpcmethods": methods(&["echo"])})),
        "methods": {"echo": "echo"},
        "policy": "[limits.deadline]\nhook = \"1 min\"",
    })
}

fn calls() -> Value {
    json!({
        "manifest": manifest(json!({"hooks": ["invoice_payment"], "rpcmethods": methods(&["ask-node"])})),
        "hooks": {"invoice_payment": [{"rpc": ["getinfo", {}]}, {"answer": {"result": "continue"}}]},
        "methods": {"ask-node": [{"rpc": ["getinfo", {}]}, "last"]},
        "rpc": ["getinfo"],
        "policy": "[limits]\nrpc_in_flight = 4096\n[limits.deadline]\nhook = \"1 min\"",
    })
}

fn holds() -> Value {
    json!({
        "manifest": manifest(json!({"hooks": ["htlc_accepted"], "rpcmethods": methods(&["release"])})),
        "hooks": {"htlc_accepted": [{"hold": "/htlc/id"}, "last"]},
        "methods": {"release": [{"release": true}, "last"]},
        "policy": "[limits.deadline]\nhtlc_accepted = \"none\"",
    })
}

fn observer(name: &str, on_block: Value, queue: u64) -> Value {
    let tallied = format!("{name}-tallied");
    json!({
        "manifest": manifest(json!({"subscriptions": ["block_added"], "rpcmethods": methods(&[&tallied])})),
        "keep-no-notifications": true,
        "notifications": {"block_added": on_block},
        "methods": {tallied: "tallied"},
        "policy": format!("[limits]\nqueue_length = {queue}"),
    })
}

/// What ends an instance: `connect` is the topic that brings it to the guest as a notification.
fn traps(name: &str, hook: &str) -> Value {
    let moves = json!({"by": "/move", "moves": {
        "trap": "trap", "loop": "loop", "hog": "hog", "overflow": "overflow",
        "too-large": {"huge": 200_000}, "invalid-utf8": "invalid-utf8", "hold": {"hold": true},
    }});
    let own = ["ping", "do"].map(|method| format!("{name}-{method}"));
    let [ping, act] = &own;
    json!({
        "manifest": manifest(json!({
            "hooks": [hook], "subscriptions": [topic(name)], "rpcmethods": methods(&[ping, act]),
        })),
        "keep-no-notifications": true,
        "hooks": {hook: moves},
        "methods": {ping: "echo", act: moves},
        "notifications": {topic(name): moves},
        "policy": format!(
            "[limits]\ncpu_per_call_ms = 10\nmemory_bytes = \"4 MiB\"\nanswer_bytes = \"64 KiB\"\n\
             log_bytes_per_second = \"16 MiB\"\ncrash_bundles = {BUNDLES}\ncrash_bundles_per_minute = 600\n\
             [limits.deadline]\nhook = \"2 min\"\nmethod = \"2 min\"\nnotification = \"2 min\"\n{RESTARTS}"
        ),
    })
}

/// The topic that only this guest of [`TRAPS`] is told of.
pub(super) fn topic(guest: &str) -> &'static str {
    match guest {
        "t1" => "connect",
        "t2" => "disconnect",
        _ => "channel_opened",
    }
}

fn bad() -> Value {
    let moves = json!({"by": "/move", "moves": {
        "garbage": {"text": "{\"result\": conti"}, "wrong-type": {"text": "[\"continue\"]"},
        "unknown": {"answer": {"result": "perhaps"}}, "nothing": {"text": ""},
        "two": {"text": "{\"result\":\"continue\"}{\"result\":\"continue\"}"},
    }});
    json!({
        "manifest": manifest(json!({"hooks": [BAD.1], "rpcmethods": methods(&["bad-ping"])})),
        "hooks": {BAD.1: moves},
        "methods": {"bad-ping": "echo"},
        "policy": format!(
            "[limits]\nlog_bytes_per_second = \"16 MiB\"\ncrash_bundles = {BUNDLES}\n\
             [limits.deadline]\nhook = \"2 min\"\n{RESTARTS}"
        ).replace("late_answers", &format!("bad_answers = {ROW}\nlate_answers")),
    })
}

fn late() -> Value {
    let moves = json!({"by": "/move", "moves": {
        "never": "never", "late": [{"sleep": LATE_BY}, {"answer": {"result": "continue"}}],
    }});
    json!({
        "manifest": manifest(json!({"hooks": [LATE.1], "rpcmethods": methods(&["late-ping", "late-nap"])})),
        "hooks": {LATE.1: moves},
        "methods": {"late-ping": "echo", "late-nap": [{"sleep": LATE_BY}, "echo"]},
        "policy": format!(
            "[limits]\ncalls_overdue = 16\nlog_bytes_per_second = \"16 MiB\"\ncrash_bundles = {BUNDLES}\n\
             [limits.deadline]\nhook = \"50 ms\"\n{RESTARTS}"
        ),
    })
}

/// A recorded payload, which tells the guest its move beside all else.
pub(super) fn shown(hook: &str, play: &str) -> String {
    let text = payload(hook);
    match text.strip_suffix('}') {
        Some(open) => format!("{open},\"move\":{}}}", json!(play)),
        None => text,
    }
}

/// An HTLC of this number, payable with 32 zero bytes.
pub(super) fn htlc(number: u64) -> String {
    let mut shown: Value = serde_json::from_str(&payload("htlc_accepted")).unwrap_or_default();
    shown["htlc"]["id"] = json!(number);
    shown["htlc"]["payment_hash"] = json!(HASH);
    shown.to_string()
}

/// What an HTLC is released with.
pub(super) fn verdict(number: u64) -> Value {
    match number % 3 {
        0 => json!({"result": "fail", "failure_message": "400f"}),
        1 => json!({"result": "continue"}),
        _ => json!({"result": "resolve", "payment_key": "00".repeat(32)}),
    }
}
