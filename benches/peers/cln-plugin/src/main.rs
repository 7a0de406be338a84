//! What an author writes with cln-plugin: it reads what it is given and answers "continue".

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cln_plugin::{Builder, Error, Plugin};
use serde_json::{Value, json};
use tokio::sync::Notify;

#[derive(Clone, Default)]
struct State {
    seen: Arc<AtomicU64>,
    changed: Arc<Notify>,
}

async fn pass(_: Plugin<State>, payload: Value) -> Result<Value, Error> {
    std::hint::black_box(&payload);
    Ok(json!({"result": "continue"}))
}

async fn on_block_added(plugin: Plugin<State>, payload: Value) -> Result<(), Error> {
    std::hint::black_box(&payload);
    plugin.state().seen.fetch_add(1, Ordering::Relaxed);
    plugin.state().changed.notify_one();
    Ok(())
}

async fn echo(_: Plugin<State>, params: Value) -> Result<Value, Error> {
    std::hint::black_box(&params);
    Ok(json!("ok"))
}

async fn blob(_: Plugin<State>, params: Value) -> Result<Value, Error> {
    let bytes = params[0].as_u64().unwrap_or_default();
    Ok(Value::String("x".repeat(bytes as usize)))
}

async fn wait(plugin: Plugin<State>, params: Value) -> Result<Value, Error> {
    let count = params[0].as_u64().unwrap_or_default();
    let state = plugin.state();
    loop {
        let seen = state.seen.load(Ordering::Relaxed);
        if seen >= count {
            return Ok(json!(seen));
        }
        state.changed.notified().await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let plugin = Builder::new(tokio::io::stdin(), tokio::io::stdout())
        .hook("htlc_accepted", pass)
        .hook("db_write", pass)
        .subscribe("block_added", on_block_added)
        .rpcmethod("peer-echo", "For measurements", echo)
        .rpcmethod("peer-blob", "For measurements", blob)
        .rpcmethod("peer-wait", "For measurements", wait)
        .dynamic()
        .start(State::default())
        .await?;
    if let Some(plugin) = plugin {
        plugin.join().await?;
    }
    Ok(())
}
