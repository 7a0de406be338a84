//! Hook chains: the order of the plugins, and one call going from one to the next
//! (`lightningd/plugin_hook.c`).

use super::hook_rules::{Custom, Fold, Step};
use super::json::Doc;
use super::manifest::Filters;
use super::native;
use super::state::{Pending, PluginState, State};
use serde_json::Value;
use std::path::Path;

/// What lightningd ends with after a hook's chain.
#[derive(Clone, Debug)]
pub struct HookOutcome {
    /// The one answer that alone would have had the same effect: `{"result": "continue"}` where no
    /// plugin wanted anything, replacements and contributions added, or how the chain was ended.
    pub result: Value,
    /// Who was asked, by file name, and the `result` each gave (`null` where it died).
    pub answers: Vec<(String, Value)>,
    /// The `params` that each was shown, as JSON text.
    pub payloads: Vec<String>,
    pub(crate) custom: Option<Custom>,
}

type Done = Box<dyn FnOnce(&mut State, HookOutcome) + Send>;

/// A hook call under way.
pub(crate) struct HookCall {
    fold: Fold,
    /// The plugins in order, as it was when the call began.
    order: std::vec::IntoIter<usize>,
    filter: FilterField,
    caller: Option<String>,
    answers: Vec<(String, Value)>,
    payloads: Vec<String>,
    done: Done,
}

/// What filters are compared with.
#[derive(Clone, Debug)]
pub(crate) enum FilterField {
    None,
    String(String),
    Int(u64),
}

/// Begins a call of `hook`; `done` gets the outcome, at once if nobody is interested.
pub(crate) fn call(
    state: &mut State,
    hook: &str,
    payload: &str,
    filter: FilterField,
    caller: Option<String>,
    done: Done,
) {
    let order = state.chains.get(hook).cloned().unwrap_or_default();
    next(
        state,
        HookCall {
            fold: Fold::new(hook, payload),
            order: order.into_iter(),
            filter,
            caller,
            answers: Vec::new(),
            payloads: Vec::new(),
            done,
        },
    );
}

fn is_callable(state: &State, at: usize, call: &HookCall) -> bool {
    let Some(plugin) = state
        .plugins
        .get(at)
        .filter(|p| p.state != PluginState::Gone)
    else {
        return false;
    };
    let filters = plugin
        .manifest
        .hook(call.fold.hook())
        .and_then(|hook| hook.filters.as_ref());
    match (filters, &call.filter) {
        (None, _) => true,
        (Some(Filters::Strings(names)), FilterField::String(name)) => names.contains(name),
        (Some(Filters::Ints(numbers)), FilterField::Int(number)) => numbers.contains(number),
        (Some(_), _) => false,
    }
}

fn next(state: &mut State, mut call: HookCall) {
    loop {
        match call.order.next() {
            None => return finish(state, call),
            Some(at) if is_callable(state, at, &call) => return ask(state, at, call),
            Some(_) => {}
        }
    }
}

fn ask(state: &mut State, at: usize, mut call: HookCall) {
    let (hook, payload) = (call.fold.hook().to_owned(), call.fold.payload().to_owned());
    call.payloads.push(payload.clone());
    let caller = call.caller.clone();
    let pending = Pending {
        on_answer: Box::new(move |state, doc| answered(state, at, call, doc)),
        on_note: None,
    };
    state.request(at, &hook, &payload, caller.as_deref(), pending);
}

/// Whether this is lightningd's own answer for a plugin that died.
pub(crate) fn is_terminated(doc: &Doc) -> bool {
    doc.get("error")
        .and_then(|error| error.get("code"))
        .is_some_and(|code| code.text() == "-4")
}

fn answered(state: &mut State, at: usize, mut call: HookCall, doc: &Doc) {
    let name = state.name(at).to_string();
    if is_terminated(doc) {
        call.answers.push((name, Value::Null));
        return next(state, call);
    }
    let given = doc.get("result").and_then(|r| r.to_value());
    call.answers.push((name, given.unwrap_or(Value::Null)));
    let judged = call.fold.answer(doc);
    state.log_remarks(&mut call.fold);
    match judged {
        Ok(Step::Next) => next(state, call),
        Ok(Step::End) => finish(state, call),
        Err(reason) => state.abort_because(at, reason),
    }
}

fn finish(state: &mut State, call: HookCall) {
    let custom = call.fold.custom.clone();
    let outcome = HookOutcome {
        result: call.fold.outcome(),
        answers: call.answers,
        payloads: call.payloads,
        custom,
    };
    (call.done)(state, outcome);
}

/// Whether `name` in a `before` or `after` means the plugin at `path` (`plugin_paths_match`).
fn path_matches(path: &Path, name: &str) -> bool {
    match name.contains('/') {
        true => {
            let real = |p: &Path| p.canonicalize().ok();
            path.as_os_str() == name || real(path).is_some_and(|p| Some(p) == real(name.as_ref()))
        }
        false => path.file_name().is_some_and(|file| file == name),
    }
}

/// Puts every hook's plugins in order; the plugins that are in a cycle.
pub(crate) fn make_ordered(state: &mut State) -> Vec<usize> {
    let mut failed = Vec::new();
    for hook in native::HOOKS {
        let users: Vec<usize> = (0..state.plugins.len())
            .filter(|at| {
                state.plugins.get(*at).is_some_and(|p| {
                    p.state != PluginState::Gone && p.manifest.hook(hook).is_some()
                })
            })
            .collect();
        let (edges, unknown) = edges(state, hook, &users);
        for (at, text) in unknown {
            let name = state.name(at);
            state.log(&format!("plugin-{name}"), "debug", text);
        }
        let mut waiting = users.clone();
        let mut ordered: Vec<usize> = Vec::new();
        // Whoever registered first among those that nobody has to come before.
        while let Some(free) = waiting.iter().copied().find(|at| {
            edges
                .iter()
                .all(|(first, then)| then != at || ordered.contains(first))
        }) {
            ordered.push(free);
            waiting.retain(|at| *at != free);
        }
        for at in waiting {
            if !failed.contains(&at) {
                failed.push(at);
            }
        }
        state.chains.insert((*hook).to_owned(), ordered);
    }
    failed
}

/// A pair: the first is asked before the second.
type Edge = (usize, usize);

fn edges(state: &State, hook: &str, users: &[usize]) -> (Vec<Edge>, Vec<(usize, String)>) {
    let mut edges = Vec::new();
    let mut unknown = Vec::new();
    let find = |name: &str| {
        users.iter().copied().find(|at| {
            state
                .plugins
                .get(*at)
                .is_some_and(|p| path_matches(&p.path, name))
        })
    };
    for &at in users {
        let Some(spec) = state.plugins.get(at).and_then(|p| p.manifest.hook(hook)) else {
            continue;
        };
        for name in &spec.before {
            match find(name) {
                Some(other) => edges.push((at, other)),
                None => unknown.push((at, format!("hook {hook} before unknown plugin {name}"))),
            }
        }
        for name in &spec.after {
            match find(name) {
                Some(other) => edges.push((other, at)),
                None => unknown.push((at, format!("hook {hook} after unknown plugin {name}"))),
            }
        }
    }
    (edges, unknown)
}
