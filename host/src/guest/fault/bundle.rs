//! What is known of one fault, as the JSON that goes into a file.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::trail::{HostCall, Line, cut};
use super::{Digest, redact};
use crate::guest::call::Call;
use crate::policy::Limits;

/// The engine; its own crate does not say which version it is.
const ENGINE: &str = "wasmtime 48";
/// Bytes of the fault's own text.
const TEXT: usize = 2 << 10;

/// All that is known of one fault, taken when it happened. Nothing is rendered until
/// [`render`](Bundle::render), which may take a while.
#[derive(Debug)]
pub struct Bundle {
    /// The guest's name.
    pub guest: Arc<str>,
    /// Of its module.
    pub sha256: Option<Digest>,
    /// `LIGHTNINGD_VERSION`.
    pub lightningd: Option<Arc<str>>,
    /// When it happened.
    pub time: SystemTime,
    /// The same moment, for what happened before.
    pub now: Instant,
    /// The kind of fault.
    pub kind: &'static str,
    /// What happened, for the operator.
    pub text: String,
    /// The guest's functions, the innermost first.
    pub backtrace: Arc<[String]>,
    /// The call in which it happened; none where that is not known.
    pub call: Option<Call>,
    /// The limits in force.
    pub limits: Limits,
    /// All memories and tables of the instance, in bytes.
    pub memory: u64,
    /// The last calls into the bridge, the oldest first.
    pub host_calls: Vec<HostCall>,
    /// The last lines of the guest, the oldest first.
    pub lines: Vec<Line>,
    /// Faults so far, this one included.
    pub faults: u64,
    /// Faults since the last bundle that got none.
    pub without_bundle: u64,
}

impl Bundle {
    /// The file, of at most `bytes` bytes: what is least needed goes first.
    pub fn render(&self, bytes: usize) -> Vec<u8> {
        let mut all = self.members(bytes / 2);
        for least in ["", "call", "host_calls", "log", "backtrace", "limits"] {
            if !least.is_empty() {
                all.insert(least.to_owned(), json!("(left out: too long)"));
            }
            let text = format!("{:#}\n", Value::Object(all.clone()));
            if text.len() <= bytes {
                return text.into_bytes();
            }
        }
        let least =
            json!({ "guest": &*self.guest, "kind": self.kind, "text": cut(&self.text, bytes / 8) });
        format!("{least}\n").into_bytes()
    }

    fn members(&self, payload: usize) -> Map<String, Value> {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let ago = |at: Instant| ms(self.now.saturating_duration_since(at));
        let host_calls: Vec<Value> = self
            .host_calls
            .iter()
            .map(|call| {
                let (outcome, took) = match &call.ended {
                    Some((outcome, took)) => (outcome.as_str(), Some(ms(*took))),
                    None => ("under way", None),
                };
                json!({ "function": call.function, "summary": call.summary, "outcome": outcome,
                        "ms_ago": ago(call.began), "took_ms": took })
            })
            .collect();
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| json!({ "level": format!("{:?}", line.level).to_lowercase(), "text": line.text, "ms_ago": ago(line.at) }))
            .collect();
        let limits: Map<String, Value> = self
            .limits
            .values()
            .into_iter()
            .map(|(key, value)| (key.to_owned(), json!(value)))
            .collect();
        let members = json!({
            "format": 1,
            "guest": &*self.guest,
            "module_sha256": self.sha256.as_ref().and_then(|sha256| sha256.get()),
            "cln_wasm": env!("CARGO_PKG_VERSION"),
            "engine": ENGINE,
            "lightningd": self.lightningd.as_deref(),
            "time": utc(self.time),
            "kind": self.kind,
            "text": cut(&self.text, TEXT),
            "backtrace": &*self.backtrace,
            "call": self.call.as_ref().map(|call| redact::shown(call, payload)),
            "memory_bytes": self.memory,
            "faults": self.faults,
            "faults_without_bundle": self.without_bundle,
            "host_calls": host_calls,
            "log": lines,
            "limits": limits,
        });
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// `2026-11-22T23:50:12.345Z`
pub fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60,
        since.subsec_millis()
    )
}

/// The date so many days after the first of January 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut left = days;
    let mut year = 1970;
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::fault::trail::Trail;
    use crate::lightningd::output::Level;

    fn bundle() -> Bundle {
        let trail = Trail::default();
        trail.begin("rpc.call", "getinfo").end("ok");
        trail.line(Level::Info, "hello");
        Bundle {
            guest: "a".into(),
            sha256: Some(Arc::new("00ff".to_owned().into())),
            lightningd: Some("v26.06.6".into()),
            time: UNIX_EPOCH + Duration::from_millis(1_795_391_412_345),
            now: Instant::now(),
            kind: "trap",
            text: "trapped: unreachable".to_owned(),
            backtrace: ["inner".to_owned(), "outer".to_owned()].into(),
            call: Some(Call::Method {
                method: "m".into(),
                params: json!({"x": "x".repeat(20_000)}).to_string().into(),
                filter: None,
                deprecated_ok: true,
            }),
            limits: Limits::default(),
            memory: 65_536,
            host_calls: trail.calls(),
            lines: trail.lines(),
            faults: 3,
            without_bundle: 1,
        }
    }

    #[test]
    fn all_is_in_it() {
        let value: Value = serde_json::from_slice(&bundle().render(64 << 10)).unwrap();
        assert_eq!(value["time"], "2026-11-22T23:50:12.345Z");
        assert_eq!(value["backtrace"], json!(["inner", "outer"]));
        assert_eq!(value["call"]["kind"], "method");
        assert_eq!(value["host_calls"][0]["summary"], "getinfo");
        assert_eq!(value["log"][0]["text"], "hello");
        assert_eq!(value["limits"]["memory_bytes"], 64 << 20);
        assert_eq!(
            (&value["faults"], &value["faults_without_bundle"]),
            (&json!(3), &json!(1))
        );
    }

    #[test]
    fn it_keeps_within_its_bytes() {
        for bytes in [256, 1_000, 2_000, 4_000, 16_000, 64_000] {
            let text = bundle().render(bytes);
            assert!(text.len() <= bytes, "{} of {bytes}", text.len());
            let value: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(value["kind"], "trap");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (68_169_599, "1972-02-28T23:59:59.000Z"),
            (68_169_600, "1972-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_798_761_599, "2026-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), shown);
        }
    }
}
