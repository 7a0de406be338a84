//! `wasm-list`: the bridge's own RPC method, for the operator to see what runs.
//!
//! Its answer is described by `docs/wasm-list.schema.json`.

use cln_protocol::manifest::RpcMethod;
use serde_json::{Map, Value, json};

use super::Bridge;
use super::aggregate::Mode;
use super::left_out::LeftOut;
use super::methods::Reply;
use super::routes::{Chained, Member, Routes};
use crate::guest::life::State;
use crate::lightningd::output::{INVALID_PARAMS, RpcError, escape_controls};

/// Its name. No guest may have a method of this name.
pub const NAME: &str = "wasm-list";

/// As it stands in the manifest.
pub fn method() -> RpcMethod {
    RpcMethod {
        name: NAME.to_owned(),
        usage: "[name]".to_owned(),
        description: "List the WebAssembly guests, or the one called {name}: state, what each brings, limits, counters"
            .to_owned(),
        category: Some("plugin".to_owned()),
        ..RpcMethod::default()
    }
}

impl Bridge {
    /// Is this the bridge's own method? A plugin of its own (solo) has none.
    pub(super) fn is_own(&self, method: &str) -> bool {
        self.mode == Mode::Bridge && method == NAME
    }

    /// Answers it.
    pub(super) fn list(&self, routes: &Routes, params: Option<&str>) -> Reply {
        let name = name_of(params.unwrap_or("{}"))?;
        let wanted = |guest: &str| name.as_deref().is_none_or(|name| name == guest);
        let running = routes.guests.iter().enumerate();
        let running = running
            .filter(|(_, member)| wanted(member.guest.name()))
            .map(|(index, member)| guest(routes, index, member));
        let left_out = routes
            .left_out
            .iter()
            .filter(|guest| wanted(&guest.name))
            .map(left_out_guest);
        let guests: Vec<Value> = running.chain(left_out).collect();
        if let (Some(name), []) = (&name, guests.as_slice()) {
            let name = super::init::excerpt(name);
            let message = format!("There is no guest {name:?}");
            return Err(RpcError::new(INVALID_PARAMS, message));
        }
        let mut answer = Map::new();
        answer.insert("guests".into(), guests.into());
        if name.is_none() {
            let mut hooks: Vec<&Chained> = routes.hooks.values().collect();
            hooks.sort_by_key(|chained| chained.spec.name);
            let hooks = hooks.into_iter().map(|chained| chain(routes, chained));
            answer.insert("hooks".into(), hooks.collect());
            let (hits, misses) = self.workshop.cache_counts();
            answer.insert("cache".into(), json!({"hits": hits, "misses": misses}));
        }
        Ok(Value::Object(answer).to_string())
    }
}

/// The guest that is asked for, from params in either form.
fn name_of(params: &str) -> Result<Option<String>, RpcError> {
    let invalid = |what: &str| RpcError::new(INVALID_PARAMS, format!("{NAME}: {what}"));
    let given = match serde_json::from_str(params) {
        Ok(Value::Array(mut values)) if values.len() <= 1 => values.pop(),
        Ok(Value::Object(mut members)) => {
            let name = members.remove("name");
            if let Some(other) = members.keys().next() {
                let other = super::init::excerpt(other);
                return Err(invalid(&format!("unknown parameter: {other}")));
            }
            name
        }
        _ => return Err(invalid("at most one parameter, name")),
    };
    match given {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(_) => Err(invalid("name is no string")),
    }
}

fn guest(routes: &Routes, index: usize, member: &Member) -> Value {
    let guest = &member.guest;
    let capabilities = guest.capabilities();
    let (state, reason) = match guest.state() {
        State::Starting | State::Waiting(_) | State::Initialising => ("starting", None),
        State::Ready(_) => ("ready", None),
        State::Resting(why) => ("resting", Some(why)),
        State::Quarantined(why) => ("quarantined", Some(why)),
        State::Gone(why) => ("ended", Some(why)),
        State::Disabled(why) => ("disabled", Some(why)),
    };
    let mut entry = Map::new();
    entry.insert("name".into(), json!(&**guest.name()));
    entry.insert("state".into(), state.into());
    if let Some(reason) = reason {
        entry.insert("reason".into(), json!(escape_controls(&reason)));
    }
    let mut methods: Vec<&str> = Vec::new();
    for (method, owner) in &routes.methods {
        if *owner == index {
            methods.push(method);
        }
    }
    methods.sort_unstable();
    let mut hooks: Vec<&str> = Vec::new();
    for chained in routes.hooks.values() {
        if chained.links.iter().any(|link| link.guest == index) {
            hooks.push(chained.spec.name);
        }
    }
    hooks.sort_unstable();
    let mut subscriptions: Vec<&str> = Vec::new();
    for (topic, subscribers) in &routes.topics {
        if subscribers.contains(&index) {
            subscriptions.push(topic);
        }
    }
    subscriptions.sort_unstable();
    let options: Vec<&str> = member.options.iter().map(|o| o.name.as_str()).collect();
    entry.insert("methods".into(), json!(methods));
    entry.insert("hooks".into(), json!(hooks));
    entry.insert("subscriptions".into(), json!(subscriptions));
    entry.insert("options".into(), json!(options));
    entry.insert(
        "withheld".into(),
        Value::Object(super::init::withheld(member)),
    );
    entry.insert("not_granted".into(), json!(member.ungranted));
    entry.insert("limits".into(), limits(&capabilities.policy.limits));
    entry.insert("memory_bytes".into(), capabilities.memory.get().into());
    let counters = &capabilities.counters;
    let counters = json!({
        "calls": counters.calls.get(),
        "faults": counters.faults.get(),
        "restarts": counters.restarts.get(),
        "late_answers": counters.late_answers.get(),
        "denied": counters.denied.get(),
        "dropped_log_lines": counters.dropped_log_lines.get(),
        "dropped_notifications_sent": counters.dropped_notifications.get(),
        "dropped_notifications_received": guest.dropped_notifications(),
        "echoes": counters.echoes.get(),
    });
    entry.insert("counters".into(), counters);
    Value::Object(entry)
}

fn left_out_guest(guest: &LeftOut) -> Value {
    let mut entry = json!({"name": &*guest.name, "state": "left_out", "reason": guest.why});
    let refuses: Vec<&str> = guest.refuses().iter().map(|spec| spec.name).collect();
    if !refuses.is_empty() {
        entry["refuses"] = json!(refuses);
    }
    entry
}

/// What differs from the defaults.
fn limits(limits: &crate::policy::Limits) -> Value {
    let mut map = Map::new();
    for (key, value) in limits.changed() {
        map.insert(key.to_owned(), value.into());
    }
    let mut deadlines = Map::new();
    for (class, deadline) in limits.changed_deadlines() {
        // Null is without end.
        let ms = deadline.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
        deadlines.insert(class.to_owned(), ms.into());
    }
    if !deadlines.is_empty() {
        map.insert("deadline_ms".to_owned(), Value::Object(deadlines));
    }
    Value::Object(map)
}

/// A hook's guests in their order, and how long lightningd can be made to wait for
/// all of them: without end where one has the deadline "none".
fn chain(routes: &Routes, chained: &Chained) -> Value {
    let members = chained.links.iter();
    let members: Vec<&Member> = members
        .filter_map(|link| routes.member(link.guest))
        .collect();
    let names: Vec<&str> = members
        .iter()
        .map(|member| &**member.guest.name())
        .collect();
    let mut entry = Map::new();
    entry.insert("name".into(), chained.spec.name.into());
    entry.insert("guests".into(), json!(names));
    let left_out = chained.left_out.iter();
    let left_out: Vec<&str> = left_out
        .filter_map(|index| Some(&*routes.left_out.get(*index)?.name))
        .collect();
    if !left_out.is_empty() {
        // Nobody is asked.
        entry.insert("refused_for".into(), json!(left_out));
        entry.insert("longest_wait_ms".into(), 0.into());
        return Value::Object(entry);
    }
    let longest: Option<u128> = members
        .iter()
        .map(|member| {
            let limits = &member.guest.capabilities().policy.limits;
            limits
                .hook_deadline(chained.spec.name)
                .map(|d| d.as_millis())
        })
        .sum();
    if let Some(longest) = longest {
        let longest = u64::try_from(longest).unwrap_or(u64::MAX);
        entry.insert("longest_wait_ms".into(), longest.into());
    }
    Value::Object(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_come_in_both_forms() {
        for (params, name) in [
            ("{}", None),
            ("[]", None),
            ("[null]", None),
            ("[\"a\"]", Some("a")),
            ("{\"name\":\"a\"}", Some("a")),
        ] {
            assert_eq!(name_of(params).unwrap().as_deref(), name, "{params}");
        }
        for bad in ["[1]", "[\"a\",\"b\"]", "{\"nam\":\"a\"}", "7", "{"] {
            assert_eq!(name_of(bad).unwrap_err().code, INVALID_PARAMS, "{bad}");
        }
    }
}
