//! The guest that is run, and what is sent to it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use cln_guest::harness::Harness;
use cln_guest::json;
use cln_guest::prelude::*;
use serde::{Deserialize, Serialize};

pub const GREETING: StringOption = StringOption::new("greeting", "Whom to greet")
    .default("World")
    .dynamic();
pub const LIMIT: IntOption = IntOption::new("limit", "How many, in sat").default(10);
pub const TOKEN: ConcealedOption<NoDefault> = ConcealedOption::new("token", "Of the service");
pub const FRIENDS: MultiStringOption = MultiStringOption::new("friend", "Several");
pub const LOUD: FlagOption = FlagOption::new("loud", "Shout").dynamic();

#[derive(Default)]
pub struct State {
    pub seen: RefCell<Vec<String>>,
    pub ticks: Cell<u32>,
    pub changes: RefCell<Vec<String>>,
    pub held: Held<String, HtlcAcceptedAction>,
}

#[derive(Deserialize)]
struct HelloParams {
    name: Option<String>,
    #[serde(default)]
    times: u8,
}

#[derive(Serialize)]
struct HelloReply {
    greeting: String,
    times: u8,
}

async fn hello(cx: Cx<State>, params: HelloParams) -> Result<HelloReply, RpcError> {
    let name = params.name.unwrap_or_else(|| cx.option(&GREETING));
    let mut greeting = format!("Hello {name}");
    if cx.option(&LOUD) {
        greeting = greeting.to_uppercase();
    }
    Ok(HelloReply {
        greeting,
        times: params.times,
    })
}

async fn at_most_three(_: Cx<State>, params: HelloParams) -> Result<(), RpcError> {
    if params.times > 3 {
        return Err(RpcError::invalid_params("times: at most 3"));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Alias {
    alias: String,
}

async fn alias(cx: Cx<State>, (): ()) -> Result<String, RpcError> {
    let rpc = cx.rpc().with_filter(r#"{"alias":true}"#);
    let node: Alias = rpc.call("getinfo", &()).await?;
    Ok(node.alias)
}

async fn slow(cx: Cx<State>, (): ()) -> Result<Value, RpcError> {
    cx.message(LogLevel::Info, "starting");
    cx.progress(1, 2);
    cx.sleep(Duration::from_secs(10)).await?;
    cx.progress_in_stage(2, 2, (0, 1));
    cx.notify("slow_done", &json!({"after": 10}))?;
    Ok(json!({}))
}

async fn settle(cx: Cx<State>, params: Vec<String>) -> Result<usize, RpcError> {
    let settled = params
        .iter()
        .map(|hash| cx.state().held.settle(hash, HtlcAcceptedAction::pass()));
    Ok(settled.sum())
}

async fn on_htlc(
    cx: Cx<State>,
    payload: HtlcAcceptedPayload,
) -> Result<HtlcAcceptedAction, impl std::fmt::Display> {
    let hash = payload.htlc.payment_hash.to_string();
    cx.state().held.hold(hash).await
}

async fn give_up(cx: Cx<State>, params: Vec<String>) -> Result<usize, RpcError> {
    Ok(params
        .iter()
        .map(|hash| cx.state().held.give_up(hash))
        .sum())
}

async fn on_block(cx: Cx<State>, block: BlockAddedPayload) -> Result<(), TimerError> {
    // The later block sleeps less: order must come from the SDK.
    let seconds = 100u64.saturating_sub(block.height.into());
    cx.sleep(Duration::from_secs(seconds)).await?;
    let line = format!("block {}", block.height);
    cx.state().seen.borrow_mut().push(line);
    Ok(())
}

async fn on_any(cx: Cx<State>, notification: Notification) {
    let origin = notification.origin.as_deref().unwrap_or("lightningd");
    let line = format!("any {} from {origin}", notification.topic);
    cx.state().seen.borrow_mut().push(line);
}

async fn on_custom(cx: Cx<State>, notification: Notification) -> Result<(), json::Error> {
    let number: u32 = notification.payload()?;
    cx.state()
        .seen
        .borrow_mut()
        .push(format!("custom {number}"));
    Ok(())
}

pub fn guest() -> Guest<State> {
    Guest::new(|init: &Init| match init.option(&LIMIT) {
        0 => Err("a limit of nothing".to_owned()),
        _ => Ok(State::default()),
    })
    .option(&GREETING)
    .validate(&GREETING, |name| match name.as_str() {
        "" => Err("must not be empty".to_owned()),
        _ => Ok(()),
    })
    .on_setconfig(&GREETING, |cx: Cx<State>, name| {
        assert_eq!(cx.option(&GREETING), name, "already in place");
        cx.state().changes.borrow_mut().push(name.clone());
        if name == "Voldemort" {
            return Err("not him".to_owned());
        }
        Ok(())
    })
    .option(&LIMIT)
    .option(&TOKEN)
    .option(&FRIENDS)
    .option(&LOUD)
    .checked_method(
        Method::new("hello", "[name] [times]", "Greets"),
        at_most_three,
        hello,
    )
    .method(Method::new("alias", "", "The node's alias"), alias)
    .method(Method::new("slow", "", "Takes its time"), slow)
    .method(Method::new("settle", "", "Settles"), settle)
    .method(Method::new("giveup", "", "Gives up"), give_up)
    .notification("slow_done")
    .subscribe::<BlockAdded>(on_block)
    .subscribe_all(on_any)
    .subscribe_topic("custom", on_custom)
    .hook_with::<HtlcAccepted>(HookOptions::new().before(["keysend"]), on_htlc)
    .request("rpc: method=getinfo", "to know the alias")
    .request("timer", "to take its time")
    .every(Duration::from_secs(60), |cx| async move {
        cx.state().ticks.set(cx.state().ticks.get() + 1);
    })
}

pub fn started() -> Harness {
    let mut harness = Harness::new(guest());
    harness.init().expect("the guest takes its options");
    harness
}

pub fn seen(harness: &Harness) -> Vec<String> {
    harness.state::<State>().expect("after init").seen.take()
}

pub fn htlc(hash: u8) -> (String, Value) {
    let recorded = include_str!("../../../protocol/tests/fixtures/htlc_accepted.jsonl");
    let line = recorded.lines().next().expect("a recording");
    let mut payload: Value = serde_json::from_str(line).expect("JSON");
    let hash = format!("{hash:02x}").repeat(32);
    payload["htlc"]["payment_hash"] = json!(hash);
    (hash, payload)
}
