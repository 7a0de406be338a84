//! What a guest keeps, in the harness.

use cln_guest::harness::Harness;
use cln_guest::prelude::*;

#[derive(serde::Deserialize)]
struct Key {
    key: String,
}

async fn count(cx: Cx<()>, params: Key) -> Result<u64, RpcError> {
    let new = cx
        .kv()
        .update_json(&params.key, |n: Option<u64>| Some(n.unwrap_or(0) + 1))
        .await?;
    Ok(new.unwrap_or_default())
}

async fn counts(cx: Cx<()>, _: ()) -> Result<Value, RpcError> {
    let all: Vec<(String, u64)> = cx.kv().entries_json("").await?;
    Ok(json!(all))
}

async fn fill(cx: Cx<()>, sizes: Vec<usize>) -> Result<Vec<String>, RpcError> {
    for (n, size) in sizes.into_iter().enumerate() {
        cx.kv().set(&format!("fill/{n:04}"), vec![0; size]).await?;
    }
    Ok(cx.kv().keys("fill/").await?)
}

async fn load(cx: Cx<()>) -> Result<(), String> {
    let kv = cx.kv();
    let starts = kv.update("starts", |n| {
        Some([n.unwrap_or_default(), b"I".as_slice()].concat())
    });
    starts.await.map(drop).map_err(|e| e.to_string())
}

async fn swap(cx: Cx<()>, _: ()) -> Result<Value, RpcError> {
    let kv = cx.kv();
    let first = kv.compare_and_swap("s", None, Some(b"1")).await?;
    let wrong = kv.compare_and_swap("s", None, Some(b"2")).await?;
    let gone = kv.compare_and_swap("s", Some(b"1"), None).await?;
    assert_eq!(first, KvSwap::Swapped);
    assert_eq!(wrong, KvSwap::Differs(Some(b"1".to_vec())));
    assert_eq!(gone, KvSwap::Swapped);
    Ok(json!([kv.get("s").await?, kv.delete("s").await?]))
}

async fn look(cx: Cx<()>, _: Notification) -> Result<(), KvError> {
    cx.kv().get("a").await.map(drop)
}

fn guest() -> Guest<()> {
    Guest::with_state(())
        .on_init(load)
        .method(Method::new("count", "key", "Counts"), count)
        .method(Method::new("counts", "", "Shows"), counts)
        .method(Method::new("fill", "", "Fills"), fill)
        .method(Method::new("swap", "", "Swaps"), swap)
        .subscribe_topic("look", look)
        .request("kv", "to count")
}

fn started() -> Harness {
    let mut harness = Harness::new(guest());
    harness.init().unwrap();
    harness
}

#[test]
fn an_update_that_is_overtaken_is_made_again() {
    let mut harness = started();
    // All of them have read before the first one writes.
    let open: Vec<_> = (0..100)
        .map(|_| harness.start_call("count", json!(["a"])))
        .collect();
    let mut seen: Vec<u64> = open
        .into_iter()
        .map(|call| call.finish().unwrap().as_u64().unwrap())
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=100).collect::<Vec<_>>());
    assert_eq!(harness.store().entries()["a"], b"100");
}

#[test]
fn a_second_harness_finds_what_the_first_left() {
    let mut harness = started();
    harness.call("count", json!(["a"])).unwrap();
    let mut again = Harness::new(guest()).with_store(harness.store());
    again.init().unwrap();
    assert_eq!(again.store().entries()["starts"], b"II");
    assert_eq!(again.call("count", json!(["a"])), Ok(json!(2)));
    // What is no JSON is told with its key.
    let error = again.call("counts", json!([])).unwrap_err();
    assert!(error.message.contains("`starts`"), "{error}");
}

#[test]
fn the_store_is_shut_before_init_and_init_can_fail_by_it() {
    let mut harness = Harness::new(guest());
    harness.notify("look", json!({}));
    let early = harness.log_lines().remove(0);
    assert!(early.message.contains("opens with init"), "{early:?}");
    let denied = KvError::Denied("key-value store is not granted".to_owned());
    harness.store().set_fault(Some(denied));
    assert!(harness.init().unwrap_err().contains("not granted"));
}

#[test]
fn the_limits_are_the_bridges() {
    let mut harness = started();
    let used = harness.store().used();
    assert_eq!(used, 6 + 1 + 64);
    harness.store().set_quota(used + 2 * (9 + 10 + 64));
    assert_eq!(
        harness
            .call("fill", json!([10, 10]))
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let error = harness.call("fill", json!([10, 11])).unwrap_err();
    assert!(error.message.contains("limits.kv_bytes"), "{error}");
    harness.store().set_quota(u64::MAX);
    harness.store().set_answer_bytes(100);
    let error = harness.call("fill", json!([101])).unwrap_err();
    assert!(error.message.contains("limits.answer_bytes"), "{error}");
    let error = harness.call("count", json!([""])).unwrap_err();
    assert!(error.message.contains("1 to 512 bytes"), "{error}");
    let error = harness.call("count", json!(["k".repeat(513)])).unwrap_err();
    assert!(error.message.contains("not 513"), "{error}");
}

#[test]
fn lists_go_over_pages() {
    let mut harness = started();
    for n in 0..2_500 {
        harness.store().put(&format!("fill/{n:04}"), "0");
    }
    let keys = harness.call("fill", json!([])).unwrap();
    assert_eq!(keys.as_array().unwrap().len(), 2_500);
    assert_eq!(keys[2_499], "fill/2499");
    harness.store().set_answer_bytes(50);
    harness.store().put("starts", "0");
    let all = harness.call("counts", json!([])).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 2_501);
    assert_eq!(harness.call("swap", json!([])), Ok(json!([null, false])));
}
