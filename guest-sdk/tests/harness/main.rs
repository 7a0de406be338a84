//! A guest that uses what the SDK has, run in the harness.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use cln_guest::harness::{Harness, RpcCall, Sent, Word};
use cln_guest::prelude::*;

mod guest;

use guest::{State, guest, htlc, seen, started};

#[test]
fn the_manifest_has_it_all() {
    let manifest = Harness::new(guest()).getmanifest();
    assert_eq!(
        manifest,
        json!({
            "options": [
                {"name": "greeting", "type": "string", "description": "Whom to greet", "default": "World", "dynamic": true},
                {"name": "limit", "type": "int", "description": "How many, in sat", "default": 10},
                {"name": "token", "type": "string-conceal", "description": "Of the service"},
                {"name": "friend", "type": "string", "description": "Several", "multi": true},
                {"name": "loud", "type": "flag", "description": "Shout", "dynamic": true}
            ],
            "rpcmethods": [
                {"name": "hello", "usage": "[name] [times]", "description": "Greets"},
                {"name": "alias", "usage": "", "description": "The node's alias"},
                {"name": "slow", "usage": "", "description": "Takes its time"},
                {"name": "settle", "usage": "", "description": "Settles"},
                {"name": "giveup", "usage": "", "description": "Gives up"}
            ],
            "subscriptions": ["*"],
            "hooks": [{"name": "htlc_accepted", "before": ["keysend"]}],
            "notifications": [{"method": "slow_done"}],
            "capabilities": [
                {"grant": "rpc: method=getinfo", "reason": "to know the alias"},
                {"grant": "timer", "reason": "to take its time"},
            ],
            "dynamic": false,
            "nonnumericids": true,
            "cancheck": true
        })
    );
}

#[test]
fn methods_take_arrays_and_objects() {
    let mut harness = started();
    let reply = harness.call("hello", json!(["Ada", 2])).unwrap();
    assert_eq!(reply, json!({"greeting": "Hello Ada", "times": 2}));
    let reply = harness.call("hello", json!({"times": 1})).unwrap();
    assert_eq!(reply, json!({"greeting": "Hello World", "times": 1}));
    let filter = json!({"times": true});
    let reply = harness.call_filtered("hello", json!([]), filter).unwrap();
    assert_eq!(reply, json!({"times": 0}));

    let error = harness
        .call("hello", json!({"name": "a", "times": 256}))
        .unwrap_err();
    assert_eq!(error.code, -32602);
    assert!(
        error
            .message
            .starts_with("times: invalid value: integer `256`"),
        "{error}"
    );
    let error = harness.call("goodbye", json!([])).unwrap_err();
    assert_eq!(error, RpcError::new(-32601, "Unknown command 'goodbye'"));
}

#[test]
fn check_parses_and_asks_the_authors_check() {
    let mut harness = started();
    assert_eq!(harness.check("hello", json!(["a", 3])), Ok(()));
    let error = harness.check("hello", json!(["a", 4])).unwrap_err();
    assert_eq!(error, RpcError::invalid_params("times: at most 3"));
    assert!(harness.check("hello", json!(["a", "b"])).is_err());
    assert_eq!(harness.check("alias", json!([])), Ok(()));
    assert!(harness.check("alias", json!([1])).is_err());
    assert_eq!(harness.rpc_calls(), [], "a check has no side effect");
}

#[test]
fn options_have_their_types_and_init_may_refuse() {
    let harness = |name: &str, value: Value| Harness::new(guest()).option(name, value);
    assert_eq!(
        harness("limit", json!(0)).init(),
        Err("a limit of nothing".to_owned())
    );
    assert_eq!(
        harness("limit", json!("many")).init(),
        Err("limit: should be an integer".to_owned())
    );
    assert_eq!(
        harness("greeting", json!("")).init(),
        Err("greeting: must not be empty".to_owned())
    );
    let mut loud = harness("loud", json!(true)).option("greeting", json!("you"));
    loud.init().unwrap();
    let reply = loud.call("hello", json!([])).unwrap();
    assert_eq!(reply["greeting"], "HELLO YOU");
}

#[test]
fn setconfig_checks_then_changes() {
    let mut harness = started();
    let state = harness.state::<State>().unwrap();
    let greeting =
        |harness: &mut Harness| harness.call("hello", json!([])).unwrap()["greeting"].clone();

    assert_eq!(harness.check_setconfig("greeting", json!("Bob")), Ok(()));
    assert_eq!(greeting(&mut harness), "Hello World");
    assert_eq!(state.changes.take(), Vec::<String>::new());

    assert_eq!(harness.setconfig("greeting", json!("Bob")), Ok(()));
    assert_eq!(greeting(&mut harness), "Hello Bob");

    for (value, message) in [
        (json!("Voldemort"), "greeting: not him"),
        (json!(""), "greeting: must not be empty"),
        (json!(7), "greeting: should be a string"),
    ] {
        let error = harness.setconfig("greeting", value).unwrap_err();
        assert_eq!(error, RpcError::invalid_params(message));
        assert_eq!(greeting(&mut harness), "Hello Bob", "as before");
    }
    assert_eq!(state.changes.take(), ["Bob", "Voldemort"]);

    assert_eq!(harness.setconfig("loud", None), Ok(()));
    assert_eq!(greeting(&mut harness), "HELLO BOB");
    assert!(harness.setconfig("nothing", json!(1)).is_err());
    assert!(harness.setconfig("greeting", None).is_err());
}

#[test]
fn rpc_passes_the_cause_the_filter_and_lightningds_errors() {
    let mut harness = started();
    harness.on_rpc("getinfo", |params| {
        assert_eq!(params, &json!({}));
        Ok(json!({"id": "02", "alias": "SLICKERGOPHER"}))
    });
    assert_eq!(harness.call("alias", json!([])).unwrap(), "SLICKERGOPHER");
    let calls = harness.rpc_calls();
    let cause = calls[0].cause;
    assert_ne!(cause, 0);
    assert_eq!(
        calls,
        [RpcCall {
            cause,
            method: "getinfo".to_owned(),
            params: json!({}),
            filter: Some(json!({"alias": true})),
        }]
    );

    let failure = RpcError::new(-1, "no").with_data(&json!([1]));
    let answer = failure.clone();
    harness.on_rpc("getinfo", move |_| Err(CallError::Rpc(answer.clone())));
    assert_eq!(harness.call("alias", json!([])).unwrap_err(), failure);

    harness.on_rpc("getinfo", |_| {
        Err(CallError::Denied("rpc: method=getinfo".to_owned()))
    });
    let error = harness.call("alias", json!([])).unwrap_err();
    assert_eq!(
        error,
        RpcError::new(-32603, "not granted: rpc: method=getinfo")
    );

    harness.on_rpc("getinfo", |_| Ok(json!({"alias": 5})));
    let error = harness.call("alias", json!([])).unwrap_err();
    assert_eq!(error.code, -32603);
    assert!(
        error
            .message
            .starts_with("answer of `getinfo` is not as expected: invalid type"),
        "{error}"
    );
}

#[test]
fn a_slow_call_does_not_keep_others_waiting() {
    let mut harness = started();
    let slow = harness.start_call("slow", json!([]));
    assert!(!slow.is_finished());
    assert!(harness.call("hello", json!([])).is_ok());
    harness.advance(Duration::from_millis(9_999));
    assert!(!slow.is_finished());
    assert_eq!(harness.notifications(), []);
    harness.advance(Duration::from_millis(1));
    assert_eq!(slow.finish(), Ok(json!({})));
    assert_eq!(
        harness.notifications(),
        [Sent {
            topic: "slow_done".to_owned(),
            params: json!({"after": 10}),
        }]
    );
    let progress = |num, stage| Word::Progress {
        num,
        total: 2,
        stage,
    };
    assert_eq!(
        harness.words(),
        [
            Word::Message {
                level: LogLevel::Info,
                text: "starting".to_owned()
            },
            progress(1, None),
            progress(2, Some((0, 1))),
        ]
    );
}

#[test]
#[should_panic(expected = "method `slow` has not answered")]
fn a_call_that_waits_for_time_is_not_waited_for() {
    let _ = started().call("slow", json!([]));
}

#[test]
fn held_hooks_are_answered_in_another_order() {
    let mut harness = started();
    let open: Vec<_> = (0..100u8)
        .map(|number| {
            let (hash, payload) = htlc(number);
            (hash, harness.start_hook::<HtlcAccepted>(payload))
        })
        .collect();
    for (hash, answer) in open.into_iter().rev() {
        assert!(!answer.is_finished());
        assert_eq!(harness.call("settle", json!([hash])).unwrap(), 1);
        assert_eq!(answer.finish(), Ok(json!({"result": "continue"})));
    }
}

#[test]
fn a_hook_that_has_no_answer_says_why() {
    let mut harness = started();
    let (hash, payload) = htlc(1);
    let answer = harness.start_hook::<HtlcAccepted>(payload);
    assert_eq!(harness.call("giveup", json!([hash])).unwrap(), 1);
    let reason = answer.finish().unwrap_err();
    assert_eq!(reason, "held, and given up without an answer");

    let reason = harness
        .hook::<HtlcAccepted>(json!({"htlc": 5}))
        .unwrap_err();
    assert!(
        reason.starts_with("the payload of htlc_accepted is not as expected"),
        "{reason}"
    );
    let reason = harness
        .start_raw_hook("openchannel", "{}")
        .finish()
        .unwrap_err();
    assert_eq!(reason, "hook `openchannel` is not registered");
}

#[test]
fn what_comes_before_init_waits_for_it() {
    let mut harness = Harness::new(guest());
    let (hash, payload) = htlc(1);
    let answer = harness.start_hook::<HtlcAccepted>(payload);
    let hello = harness.start_call("hello", json!(["Ada", 2]));
    assert!(!answer.is_finished() && !hello.is_finished());
    harness.init().unwrap();
    assert_eq!(
        hello.finish(),
        Ok(json!({"greeting": "Hello Ada", "times": 2}))
    );
    assert!(!answer.is_finished(), "the guest holds it");
    assert_eq!(harness.call("settle", json!([hash])).unwrap(), 1);
    assert_eq!(answer.finish(), Ok(json!({"result": "continue"})));

    let mut disabled = Harness::new(guest()).option("limit", json!(0));
    let answer = disabled.start_hook::<HtlcAccepted>(htlc(1).1);
    disabled.init().unwrap_err();
    let reason = answer.finish().unwrap_err();
    assert_eq!(reason, "it disabled itself: a limit of nothing");
}

#[test]
fn a_hook_waits_until_on_init_is_done() {
    let guest = Guest::with_state(Cell::new(0))
        .request("kv", "to take its time")
        .on_init(|cx: Cx<Cell<u8>>| async move {
            // Others run meanwhile.
            let kept = cx.kv().set("key", b"value").await;
            cx.state().set(1);
            kept.map_err(|error| error.to_string())
        })
        .hook::<HtlcAccepted>(|cx: Cx<Cell<u8>>, _: HtlcAcceptedPayload| async move {
            assert_eq!(cx.state().get(), 1);
            HtlcAcceptedAction::pass()
        });
    let mut harness = Harness::new(guest);
    // It has its state, and waits all the same.
    let answer = harness.start_hook::<HtlcAccepted>(htlc(1).1);
    assert!(!answer.is_finished());
    harness.init().unwrap();
    assert_eq!(answer.finish(), Ok(json!({"result": "continue"})));
}

#[test]
#[should_panic(expected = "hook `htlc_accepted`, which came before init, has not answered")]
fn a_hook_before_init_is_not_waited_for() {
    let _ = Harness::new(guest()).hook::<HtlcAccepted>(htlc(1).1);
}

#[test]
fn db_write_does_not_wait_for_init() {
    async fn write(_: Cx<()>, _: DbWritePayload) -> DbWriteAction {
        DbWriteAction::pass()
    }
    let payload = json!({"data_version": 1, "writes": []});
    let early = Guest::with_state(()).hook::<DbWrite>(write);
    let answer = Harness::new(early).hook::<DbWrite>(payload.clone());
    assert_eq!(answer, Ok(json!({"result": "continue"})));
    let late = Guest::new(|_| Ok(())).hook::<DbWrite>(write);
    let answer = Harness::new(late).hook::<DbWrite>(payload);
    assert_eq!(answer, Err("the guest has not been initialised".to_owned()));
}

#[test]
fn notifications_are_handled_in_order_and_one_at_a_time() {
    let mut harness = started();
    for height in [10, 50, 90] {
        harness.notify(
            "block_added",
            json!({"hash": "00".repeat(32), "height": height}),
        );
    }
    harness.notify_from(Some("other.py"), "custom", json!(7));
    assert_eq!(seen(&harness), Vec::<String>::new(), "the first one sleeps");
    harness.advance(Duration::from_secs(1000));
    assert_eq!(
        seen(&harness),
        [
            "block 10",
            "any block_added from lightningd",
            "block 50",
            "any block_added from lightningd",
            "block 90",
            "any block_added from lightningd",
            "any custom from other.py",
            "custom 7"
        ]
    );
}

#[test]
fn what_a_notification_handler_cannot_do_is_logged() {
    let mut harness = started();
    harness.notify("block_added", json!({"height": "high"}));
    harness.notify_from(None, "custom", json!("seven"));
    let lines = harness.log_lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, start) in lines.iter().zip([
        "notification block_added: the payload is not as expected: ",
        "notification custom: invalid type: string",
    ]) {
        assert_eq!(line.level, LogLevel::Unusual);
        assert!(line.message.starts_with(start), "{}", line.message);
    }
}

#[test]
fn background_work_goes_on_with_the_clock() {
    let mut harness = started();
    let state = harness.state::<State>().unwrap();
    harness.advance(Duration::from_secs(59));
    assert_eq!(state.ticks.get(), 0);
    harness.advance(Duration::from_secs(121));
    assert_eq!(state.ticks.get(), 3);
}

/// What an interval of 10 s said, and when, if whoever waits for it takes so long at each tick.
fn ticks(at_work: &'static [u64]) -> Vec<(u64, u128)> {
    #[derive(Default)]
    struct Ticks(RefCell<Vec<(u64, u128)>>);
    let guest = Guest::with_state(Ticks::default())
        .request("timer", "to tick")
        .background(move |cx| async move {
            let began = cx.now();
            let mut interval = cx.interval(Duration::from_secs(10));
            for seconds in at_work {
                let passed = interval.tick().await.expect("it is asked for");
                let at = cx.now().duration_since(began).expect("time goes on");
                cx.state().0.borrow_mut().push((at.as_secs(), passed));
                cx.sleep(Duration::from_secs(*seconds))
                    .await
                    .expect("it is asked for");
            }
        });
    let mut harness = Harness::new(guest);
    harness.init().expect("nothing to refuse");
    harness.advance(Duration::from_secs(1000));
    harness.state::<Ticks>().expect("given").0.take()
}

#[test]
fn an_interval_does_not_drift() {
    assert_eq!(ticks(&[3, 9, 0, 1]), [(10, 1), (20, 1), (30, 1), (40, 1)]);
}

#[test]
fn missed_ticks_come_once_and_late() {
    // After 35 s of work at 10, the tick of 40 comes at 45, and 20 and 30 never.
    assert_eq!(ticks(&[35, 0, 10, 0]), [(10, 1), (45, 3), (50, 1), (60, 1)]);
}

#[test]
fn what_is_not_asked_for_is_denied() {
    async fn nap(cx: Cx<()>, (): ()) -> Result<(), RpcError> {
        Ok(cx.sleep(Duration::from_secs(1)).await?)
    }
    async fn ask(cx: Cx<()>, (method,): (String,)) -> Result<Value, RpcError> {
        Ok(cx.rpc().call(&method, &()).await?)
    }
    let guest = Guest::with_state(())
        .method(Method::new("nap", "", "Sleeps"), nap)
        .method(Method::new("ask", "method", "Asks"), ask)
        .request("rpc: method=getinfo|method^list&pnum=0", "to look")
        .every(Duration::from_secs(1), |_| async {});
    let mut harness = Harness::new(guest);
    harness.on_rpc("getinfo", |_| Ok(json!({})));
    harness.on_rpc("stop", |_| Ok(json!({})));
    harness.init().unwrap();
    let lines = harness.log_lines();
    assert!(
        lines
            .iter()
            .any(|l| l.message.contains("it is not done any more")),
        "{lines:?}"
    );
    let error = harness.call("nap", json!([])).unwrap_err();
    assert!(error.message.contains("does not ask for it"), "{error}");
    assert!(harness.call("ask", json!(["getinfo"])).is_ok());
    let error = harness.call("ask", json!(["stop"])).unwrap_err();
    assert!(error.message.contains("rpc: method=stop"), "{error}");
}
