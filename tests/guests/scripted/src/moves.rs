//! The steps that a script is made of.

use crate::bindings::cln::guest::{log, notification, progress, rpc, timer};
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
/// verbatim), `call` (all that came with a method), `seen` (all that came in), `counts`, `forget`,
/// `last` (what the step before gave), `invalid-utf8`.
///
/// Objects: `{"answer": json}`, `{"text": verbatim}`, `{"huge": bytes}`, `{"error": value}`,
/// `{"answer": object, "with": {name: pointer into the payload}}`;
/// and those after which the move goes on: `{"rpc": [method, params]}` (with a third member, `"background"`: for no cause), `{"hold": pointer or true}`,
/// `{"release": true}` (params: [key or null, answer]), `{"sleep": ms}`, `{"log": [level, text]}`,
/// `{"notify": [topic, params]}`, `{"message": text}`, `{"progress": [num, total]}`,
/// `{"nth": [move of the first call, ...]}`, `{"by": pointer, "moves": {value: move}}`.
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
        "sleep" => timer::sleep(value.as_u64().unwrap_or_default()).await,
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
        "counts" => json!({"seen": Seen::count(), "held": Seen::held()}).to_string(),
        "forget" => {
            Seen::forget();
            "{}".to_owned()
        }
        "last" => last.to_string(),
        "invalid-utf8" => invalid_utf8(),
        other => panic!("no step: {other}"),
    }))
}

async fn call(event: &Event, what: &Value) -> Value {
    let method = what[0].as_str().unwrap_or_default().to_owned();
    let cause = match what[2].as_str() {
        Some("background") => 0,
        _ => event.call,
    };
    match rpc::call(cause, method, what[1].to_string(), None).await {
        Ok(result) => json!({"result": serde_json::from_str::<Value>(&result).unwrap_or_default()}),
        Err(rpc::Failure::Rpc(error)) => {
            json!({"error": {"code": error.code, "message": error.message}})
        }
        Err(other) => json!({"failure": format!("{other:?}")}),
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
