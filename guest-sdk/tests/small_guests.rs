//! Guests of one handler each, for what needs no more.

use cln_guest::harness::Harness;
use cln_guest::prelude::*;

#[test]
fn the_log_macros_write_to_the_nodes_log() {
    async fn talk(_: Cx<()>, (): ()) -> Result<(), RpcError> {
        log::error!("broken {}", 1);
        log::warn!("unusual");
        log::info!("info");
        log::trace!("trace");
        Ok(())
    }
    let guest = Guest::with_state(()).method(Method::new("talk", "", "Talks"), talk);
    let mut harness = Harness::new(guest);
    harness.init().unwrap();
    harness.call("talk", json!([])).unwrap();
    let lines = harness.log_lines();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (line.level, line.message.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (LogLevel::Broken, "broken 1"),
            (LogLevel::Unusual, "unusual"),
            (LogLevel::Info, "info")
        ]
    );
}

#[test]
fn a_topic_that_is_not_declared_is_refused() {
    async fn emit(cx: Cx<()>, (): ()) -> Result<(), RpcError> {
        Ok(cx.notify("nobody_knows", &json!({}))?)
    }
    let guest = Guest::with_state(()).method(Method::new("emit", "", "Emits"), emit);
    let mut harness = Harness::new(guest);
    harness.init().unwrap();
    let error = harness.call("emit", json!([])).unwrap_err();
    assert_eq!(
        error.message,
        "not granted: topic `nobody_knows` is not declared in the manifest"
    );
}

#[test]
fn a_guest_that_contradicts_itself_is_disabled() {
    async fn nothing(_: Cx<()>, (): ()) -> Result<(), RpcError> {
        Ok(())
    }
    let guest = Guest::with_state(())
        .method(Method::new("twice", "", "a"), nothing)
        .method(Method::new("twice", "", "b"), nothing);
    let mut harness = Harness::new(guest);
    let reason = "method `twice` is registered twice";
    assert_eq!(harness.getmanifest()["disable"], reason);
    assert_eq!(harness.init(), Err(reason.to_owned()));

    let mut off = Harness::new(Guest::with_state(()).disable("no network"));
    assert_eq!(off.init(), Err("no network".to_owned()));
}
