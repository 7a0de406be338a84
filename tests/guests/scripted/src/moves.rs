//! The steps that a script is made of.

use crate::bindings::cln::guest::{http, kv, log, notification, progress, rpc, timer};
use crate::script::find;
use crate::seen::Seen;
use serde_json::{Value, json};

/// What happened to the guest.
pub struct Event {
    kind: &'static str,
    name: String,
    payload: String,
    /// The call, 0 for none.
    pub call: u64,
    /// A method's result filter.
    pub filter: Option<String>,
    /// A method's view of deprecated APIs.
    pub deprecated_ok: bool,
}

impl Event {
    /// An event of a kind of the script's, with its params.
    pub fn new(kind: &'static str, name: &str, payload: &str) -> Self {
        Event {
            kind,
            name: name.to_owned(),
            payload: payload.to_owned(),
            call: 0,
            filter: None,
            deprecated_ok: false,
        }
    }

    /// A member of the payload, by JSON pointer.
    fn member(&self, pointer: &str) -> Value {
        let payload: Value = serde_json::from_str(&self.payload).unwrap_or_default();
        payload.pointer(pointer).cloned().unwrap_or_default()
    }
}

/// How a move ends.
pub enum Outcome {
    /// An answer, or no word at all (`{}`).
    Text(String),
    /// The script's error.
    Error(Value),
}

/// Plays what the script says of this event.
pub async fn play(event: Event) -> Outcome {
    let Some(script) = find(event.kind, &event.name) else {
        return match event.kind {
            "hooks" => Outcome::Text(json!({"result": "continue"}).to_string()),
            "methods" => Outcome::Error(
                json!({"code": -32601, "message": format!("not in the script: {}", event.name)}),
            ),
            _ => Outcome::Text("{}".to_owned()),
        };
    };
    // Lists and choices within the move come to the front of what is left to do.
    let mut left = vec![script.clone()];
    let mut last = Value::Null;
    while let Some(step) = left.pop() {
        match step {
            Value::Array(steps) => left.extend(steps.into_iter().rev()),
            step => match take(&event, &step, &mut last, &mut left).await {
                Some(outcome) => return outcome,
                None => continue,
            },
        }
    }
    Outcome::Text("{}".to_owned())
}

/// One step; an outcome ends the move.
///
/// Words: `trap`, `loop`, `never`, `overflow` (the stack), `hog` (all memory), `echo` (the payload
/// verbatim), `call` (all that came with a method), `seen` (all that came in), `counts`, `forget`, `tallied`,
/// `last` (what the step before gave), `say` (the same, as a log line; the move goes on), `invalid-utf8`, `ask` (params: `{"calls": [[method, text of the
/// params], ...]}`, called one after another; the outcomes).
///
/// Objects: `{"answer": json}`, `{"text": verbatim}`, `{"huge": bytes}`, `{"error": value}`,
/// `{"answer": object, "with": {name: pointer into the payload}}`;
/// and those after which the move goes on: `{"rpc": [method, params]}` (with a third member, `"background"`: for no cause),
/// `{"http": {"method": .., "url": .., "headers": {..}, "body": text, "timeout": ms}}` (`GET` unless
/// told; an array `[pointer]` as url takes it from the payload; `"longer"`: so many letters behind the url; `"times"`: at once), `{"hold": pointer or true}`,
/// `{"release": true}` (params: [key or null, answer]), `{"sleep": ms}`, `{"burn": millions of turns}`, `{"log": [level, text]}`,
/// `{"notify": [topic, params]}`, `{"message": text}`, `{"progress": [num, total]}`,
/// `{"kv": ["get", key]}`, `["set", key, text]`, `["fill", key, bytes]`, `["delete", key]`,
/// `["list", prefix, after, limit, with values]`, `["swap", key, expected, new]` (texts, or `{"$": pointer}`
/// into the payload), `["flood", prefix, how many]` (sets at once), `["fills", prefix, how many, bytes]`,
/// `["swaps", key, how many]` (of nothing for something, at once), `["long-key", null, bytes]`,
/// `{"tally": pointer to a number}` (`tallied` answers how many there were, the last one, and how many were not
/// larger than the one before), `{"nth": [move of the first call, ...]}`, `{"by": pointer, "moves": {value: move}}`.
async fn take(
    event: &Event,
    step: &Value,
    last: &mut Value,
    left: &mut Vec<Value>,
) -> Option<Outcome> {
    if let Value::String(word) = step {
        return word_step(event, word, last).await;
    }
    let Some(step) = step.as_object() else {
        panic!("no step: {step}");
    };
    if let Some(answer) = step.get("answer") {
        let mut answer = answer.clone();
        for (name, pointer) in step
            .get("with")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            answer[name] = event.member(pointer.as_str().unwrap_or_default());
        }
        return Some(Outcome::Text(answer.to_string()));
    }
    let (name, value) = step.iter().find(|(name, _)| *name != "moves")?;
    match name.as_str() {
        "text" => return Some(Outcome::Text(value.as_str().unwrap_or_default().to_owned())),
        "error" => return Some(Outcome::Error(value.clone())),
        "huge" => {
            let size = value.as_u64().unwrap_or_default() as usize;
            return Some(Outcome::Text(format!(
                "{{\"result\":\"continue\",\"x\":\"{}\"}}",
                "x".repeat(size)
            )));
        }
        "rpc" => *last = call(event, value).await,
        "kv" => *last = keep(event, value).await,
        "http" => *last = request(event, value).await,
        "hold" => {
            let key = match value.as_str() {
                Some(pointer) => event.member(pointer).to_string(),
                None => String::new(),
            };
            *last = Seen::hold(key).await.unwrap_or_default();
        }
        "release" => {
            let key = match event.member("/0") {
                Value::Null => None,
                key => Some(key.to_string()),
            };
            *last = json!(Seen::release(key.as_deref(), &event.member("/1")));
        }
        "sleep" => {
            *last = match timer::sleep(value.as_u64().unwrap_or_default()).await {
                Ok(()) => Value::Null,
                Err(timer::Failure::Denied(text)) => json!({"failure": "denied", "text": text}),
                Err(timer::Failure::Limit(text)) => json!({"failure": "limit", "text": text}),
            };
        }
        "burn" => {
            for turn in 0..value.as_u64().unwrap_or_default() * 1_000_000 {
                std::hint::black_box(turn);
            }
        }
        "log" => log::log(level(&value[0]), value[1].as_str().unwrap_or_default()),
        "notify" => {
            let sent =
                notification::notify(value[0].as_str().unwrap_or_default(), &value[1].to_string());
            *last = sent.map_or_else(|e| json!(format!("{e:?}")), |()| Value::Null);
        }
        "message" => progress::message(
            event.call,
            log::Level::Info,
            value.as_str().unwrap_or_default(),
        ),
        "progress" => {
            let number = |at: usize| value[at].as_u64().unwrap_or_default() as u32;
            progress::progress(event.call, number(0), number(1), None);
        }
        "tally" => {
            let number = event.member(value.as_str().unwrap_or_default());
            Seen::tally(number.as_u64().unwrap_or_default());
        }
        "nth" => {
            let times = Seen::next(&format!("{}/{}", event.kind, event.name));
            let moves = value.as_array()?;
            left.push(moves.get(times).or(moves.last())?.clone());
        }
        "by" => {
            let value = event.member(value.as_str().unwrap_or_default());
            let key = value.as_str().unwrap_or("else");
            left.push(
                step.get("moves")
                    .and_then(|moves| moves.get(key))
                    .cloned()
                    .unwrap_or(json!("echo")),
            );
        }
        other => panic!("no step: {other}"),
    }
    None
}

async fn word_step(event: &Event, word: &str, last: &Value) -> Option<Outcome> {
    Some(Outcome::Text(match word {
        "trap" => panic!("as the script says"),
        "loop" => spin(),
        "never" => std::future::pending().await,
        "overflow" => overflow(0).to_string(),
        "hog" => hog(),
        "echo" => event.payload.clone(),
        "call" => {
            let filter = event.filter.as_deref().unwrap_or("null");
            let (params, ok) = (&event.payload, event.deprecated_ok);
            format!("{{\"params\":{params},\"filter\":{filter},\"deprecated_ok\":{ok}}}")
        }
        "seen" => Seen::all(),
        "say" => {
            log::log(log::Level::Info, &last.to_string());
            return None;
        }
        "tallied" => Seen::tallied().to_string(),
        "counts" => {
            json!({"seen": Seen::count(), "held": Seen::held(), "taken": Seen::taken()}).to_string()
        }
        "forget" => {
            Seen::forget();
            "{}".to_owned()
        }
        "last" => last.to_string(),
        "invalid-utf8" => invalid_utf8(),
        "ask" => ask(event).await.to_string(),
        other => panic!("no step: {other}"),
    }))
}

/// The params go out as the test wrote them, whether they are JSON or not.
async fn ask(event: &Event) -> Value {
    let calls = event.member("/calls");
    let mut outcomes = Vec::new();
    for what in calls.as_array().into_iter().flatten() {
        let text = |at: usize| what[at].as_str().unwrap_or_default().to_owned();
        outcomes.push(call_with(event.call, text(0), text(1)).await);
    }
    Value::Array(outcomes)
}

async fn call(event: &Event, what: &Value) -> Value {
    let method = what[0].as_str().unwrap_or_default().to_owned();
    let cause = match what[2].as_str() {
        Some("background") => 0,
        _ => event.call,
    };
    call_with(cause, method, what[1].to_string()).await
}

async fn call_with(cause: u64, method: String, params: String) -> Value {
    match rpc::call(cause, method, params, None).await {
        Ok(result) => json!({"result": serde_json::from_str::<Value>(&result).unwrap_or_default()}),
        Err(rpc::Failure::Rpc(error)) => {
            json!({"error": {"code": error.code, "message": error.message}})
        }
        Err(other) => json!({"failure": format!("{other:?}")}),
    }
}

/// One or many calls of the store. A result, or `{"failure": ...}`.
async fn keep(event: &Event, what: &Value) -> Value {
    let at = |index: usize| match what[index].get("$").and_then(Value::as_str) {
        Some(pointer) => event.member(pointer),
        None => what[index].clone(),
    };
    let text = |index: usize| at(index).as_str().unwrap_or_default().to_owned();
    let bytes = |index: usize| at(index).as_str().map(|text| text.as_bytes().to_vec());
    let shown = |value: Option<Vec<u8>>| value.map(|v| String::from_utf8_lossy(&v).into_owned());
    let key = text(1);
    let number = at(2).as_u64().unwrap_or_default();
    let done = match what[0].as_str().unwrap_or_default() {
        "get" => kv::get(key).await.map(|value| json!(shown(value))),
        "set" => kv::set(key, text(2).into_bytes())
            .await
            .map(|()| json!("set")),
        "fill" => {
            let value = vec![b'x'; number as usize];
            kv::set(key, value).await.map(|()| json!("set"))
        }
        "delete" => kv::delete(key).await.map(|was| json!(was)),
        "list" => {
            let limit = at(3).as_u64().unwrap_or(1_000) as u32;
            let after = at(2).as_str().map(str::to_owned);
            let page = kv::list(key, after, limit, at(4) == true).await;
            page.map(|page| {
                let entries = page.entries.into_iter();
                let entries: Vec<_> = entries
                    .map(|entry| json!([entry.key, shown(entry.value)]))
                    .collect();
                json!({"entries": entries, "more": page.more})
            })
        }
        "swap" => {
            let swap = kv::compare_and_swap(key, bytes(2), bytes(3)).await;
            swap.map(|swap| match swap {
                kv::Swap::Swapped => json!("swapped"),
                kv::Swap::Differs(there) => json!({"differs": shown(there)}),
            })
        }
        "flood" => {
            let sets = (0..number).map(|n| kv::set(format!("{key}{n}"), vec![b'y'; 8]));
            let outcomes = futures::future::join_all(sets).await;
            let kept = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            let why = outcomes.into_iter().find_map(Result::err);
            Ok(json!({"kept": kept, "why": why.map(|why| format!("{why:?}"))}))
        }
        "fills" => {
            let size = at(3).as_u64().unwrap_or_default() as usize;
            let fills = (0..number).map(|n| kv::set(format!("{key}{n}"), vec![b'x'; size]));
            let outcomes = futures::future::join_all(fills).await;
            let why = outcomes.into_iter().find_map(Result::err);
            Ok(json!({"why": why.map(|why| format!("{why:?}"))}))
        }
        "swaps" => {
            let swaps = (0..number)
                .map(|n| kv::compare_and_swap(key.clone(), None, Some(n.to_string().into())));
            let outcomes = futures::future::join_all(swaps).await;
            let won = |outcome: &Result<kv::Swap, _>| matches!(outcome, Ok(kv::Swap::Swapped));
            let won = outcomes.iter().filter(|outcome| won(outcome)).count();
            let why = outcomes.into_iter().find_map(Result::err);
            Ok(json!({"won": won, "why": why.map(|why| format!("{why:?}"))}))
        }
        "long-key" => kv::set("k".repeat(number as usize), b"v".to_vec())
            .await
            .map(|()| json!("set")),
        other => panic!("no call of the store: {other}"),
    };
    done.unwrap_or_else(|failure| json!({"failure": format!("{failure:?}")}))
}

/// One request, or several at the same time (`"times"`): then the first failure, if there is one.
async fn request(event: &Event, what: &Value) -> Value {
    let times = what["times"].as_u64().unwrap_or(1);
    let outcomes = (0..times).map(|_| one_request(event, what));
    let mut outcomes = futures::future::join_all(outcomes).await;
    let at = outcomes.iter().position(|o| o.get("failure").is_some());
    outcomes.swap_remove(at.unwrap_or_default())
}

async fn one_request(event: &Event, what: &Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let headers = what["headers"].as_object().into_iter().flatten();
    let request = http::Request {
        method: what["method"].as_str().unwrap_or("GET").to_owned(),
        url: match what["url"].as_array().and_then(|pointer| pointer.first()) {
            Some(pointer) => text(&event.member(pointer.as_str().unwrap_or_default())),
            None => {
                let more = what["longer"].as_u64().unwrap_or_default() as usize;
                text(&what["url"]) + &"a".repeat(more)
            }
        },
        headers: headers
            .map(|(name, value)| http::Header {
                name: name.clone(),
                value: text(value).into_bytes(),
            })
            .collect(),
        body: what["body"].as_str().map(Into::into),
        timeout_ms: what["timeout"].as_u64(),
    };
    match http::send(request).await {
        Ok(answer) => {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            json!({"status": answer.status, "body": body})
        }
        Err(failure) => json!({"failure": format!("{failure:?}")}),
    }
}

fn level(name: &Value) -> log::Level {
    match name.as_str() {
        Some("trace") => log::Level::Trace,
        Some("debug") => log::Level::Debug,
        Some("unusual") => log::Level::Unusual,
        Some("broken") => log::Level::Broken,
        _ => log::Level::Info,
    }
}

fn spin() -> String {
    let mut turns = 0u64;
    while std::hint::black_box(true) {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
    turns.to_string()
}

fn overflow(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 512]);
    if room[1] == u64::MAX {
        return depth;
    }
    overflow(depth + 1).wrapping_add(room[depth as usize % 512])
}

fn hog() -> String {
    let mut all: Vec<Vec<u8>> = Vec::new();
    while std::hint::black_box(true) {
        all.push(vec![1; 1 << 20]);
    }
    all.len().to_string()
}

#[allow(
    unsafe_code,
    reason = "what a guest in another language could hand over"
)]
fn invalid_utf8() -> String {
    // SAFETY: nothing in this guest looks at the text; it goes to the border as it is.
    unsafe { String::from_utf8_unchecked(b"{\"result\":\"\xff\xfe\"}".to_vec()) }
}
