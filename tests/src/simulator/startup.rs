//! From a description to a running node (`lightningd/lightningd.c:main`).

use super::builder::{Builder, PluginSpec};
use super::chain;
use super::manifest::{FEATURE_PLACES, OptionType, Registry};
use super::manifest_rules::{self, Refusal};
use super::node::{Node, Settings};
use super::option_rules::check_value;
use super::plugin_side;
use super::process::{self, Launch};
use super::rpc_socket::RpcSocket;
use super::state::{Pending, Plugin, PluginState, Shared, State, plugin_notification};
use super::transcript::Transcript;
use super::verdict::{Failure, Result, Verdict};
use serde_json::json;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// The node's shell: directory, socket, state; no plugin yet.
fn shell(builder: &Builder) -> Result<Node> {
    let (temporary, base) = match &builder.directory {
        Some(directory) => (None, directory.clone()),
        None => {
            let temporary = tempfile::Builder::new()
                .prefix("cln-")
                .tempdir()
                .map_err(Failure::setup)?;
            let base = temporary.path().join("lightning");
            (Some(temporary), base)
        }
    };
    let directory = base.join("regtest");
    std::fs::create_dir_all(&directory).map_err(Failure::setup)?;
    let directory = directory.canonicalize().map_err(Failure::setup)?;
    let names: Vec<String> = builder.plugins.iter().map(|p| file_name(&p.path)).collect();
    let deprecated_ok = builder.deprecated_apis && !builder.developer;
    let mut registry = Registry::new(&names, deprecated_ok);
    for name in builder.natives.keys() {
        if !registry.methods.contains_key(name) {
            registry.commands.insert(name.clone());
        }
    }
    let (developer, natives) = (builder.developer, builder.natives.clone());
    let shared = Shared::new(
        move |me| State {
            me,
            transcript: Transcript::new(),
            plugins: Vec::new(),
            chains: HashMap::new(),
            registry,
            natives,
            next_id: 20,
            startup: true,
            deprecated_ok,
            developer,
            logs: Vec::new(),
            verdicts: Vec::new(),
            aborted: false,
            shutting_down: false,
            exclusive: None,
            data_version: 0,
        },
        builder.deadline,
    );
    let socket = RpcSocket::listen(
        &directory.join("lightning-rpc"),
        &shared,
        builder.rpc_watch.clone(),
    )?;
    Ok(Node::new(
        shared,
        socket,
        directory,
        temporary,
        Settings {
            version: builder.version.clone(),
            env: builder.env.clone(),
            proxy: builder.proxy,
            startup_limit: builder.startup_limit,
            shutdown_limit: builder.shutdown_limit,
        },
    ))
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Starts everything.
pub(crate) fn start(builder: Builder) -> Result<Node> {
    let mut node = shell(&builder)?;
    match start_plugins(&mut node, &builder) {
        Ok(()) => Ok(node),
        Err(failure) => {
            // The failure says it all.
            node.take_verdicts();
            Err(failure)
        }
    }
}

fn start_plugins(node: &mut Node, builder: &Builder) -> Result<()> {
    for spec in &builder.plugins {
        let at = launch(node, spec)?;
        send_getmanifest(&mut node.shared.lock(), at, None);
    }
    wait_manifests(node)?;
    let shared = node.shared.clone();
    settle_manifests(&mut shared.lock(), None);
    fail_on_verdict(&shared)?;
    node.db_write(&[
        "CREATE TABLE version (version INTEGER) STRICT",
        "INSERT INTO version VALUES (1)",
    ])?;
    let plugins = shared.lock().plugins.len();
    for at in 0..plugins {
        send_init(node, at)?;
    }
    if builder.waits_for_init {
        node.wait_init()?;
    }
    Ok(())
}

/// Starts the processes only.
pub(crate) fn start_silent(builder: Builder) -> Result<Node> {
    let mut node = shell(&builder)?;
    for spec in &builder.plugins {
        launch(&mut node, spec)?;
    }
    Ok(node)
}

/// Starts one process and puts it into the state; its number.
pub(crate) fn launch(node: &mut Node, spec: &PluginSpec) -> Result<usize> {
    let mut args = spec.launch.args.clone();
    let mut env = vec![
        ("LIGHTNINGD_PLUGIN".to_owned(), "1".to_owned()),
        (
            "LIGHTNINGD_VERSION".to_owned(),
            node.settings.version.clone(),
        ),
    ];
    env.extend(node.settings.env.iter().cloned());
    env.extend(spec.launch.env.iter().cloned());
    let path: PathBuf = spec
        .path
        .canonicalize()
        .unwrap_or_else(|_| spec.path.clone());
    // A path is relative to the test, not to the directory that the plugin runs in.
    let program = spec
        .launch
        .program
        .canonicalize()
        .unwrap_or_else(|_| spec.launch.program.clone());
    let mut state = node.shared.lock();
    if state.developer {
        args.push("--developer".to_owned());
    }
    let started = process::spawn(&Launch { program, args, env }, &node.directory)?;
    let at = state.plugins.len();
    state.plugins.push(Plugin {
        name: file_name(&path).into(),
        path,
        state: PluginState::AwaitingManifest,
        disabled: None,
        manifest: Default::default(),
        values: spec.values.clone(),
        pending: HashMap::new(),
        stray: Vec::new(),
        to_stdin: Some(started.to_stdin.clone()),
        pid: started.pid,
        exit: None,
        eof: false,
        may_exit: false,
        leftover: None,
        stderr: Vec::new(),
    });
    drop(state);
    started.run(at, &node.shared);
    Ok(at)
}

/// Asks for the manifest; `caller` is the id of the `plugin start` that began it.
pub(crate) fn send_getmanifest(state: &mut State, at: usize, caller: Option<&str>) {
    let params = json!({"allow-deprecated-apis": state.deprecated_ok}).to_string();
    let pending = Pending {
        on_answer: Box::new(move |state, doc| manifest_came(state, at, doc)),
        on_note: None,
    };
    state.request(at, "getmanifest", &params, caller, pending);
}

fn manifest_came(state: &mut State, at: usize, doc: &super::json::Doc) {
    let name = state.name(at).to_string();
    if state
        .plugin(at)
        .is_none_or(|p| p.state == PluginState::Gone)
    {
        return;
    }
    match manifest_rules::read(doc.root(), &name, &mut state.registry) {
        Ok(Ok(manifest)) => {
            let dynamic = manifest.dynamic;
            let hooks: Vec<_> = manifest.hooks.iter().map(|h| h.name.clone()).collect();
            if let Some(plugin) = state.plugin(at) {
                plugin.manifest = manifest;
                plugin.state = PluginState::NeedsInit;
            }
            // Hooks are live from here on, in the order in which the manifests came.
            for hook in hooks {
                state.chains.entry(hook).or_default().push(at);
            }
            if !state.startup && !dynamic {
                state.kill(at, "Not a dynamic plugin");
            }
        }
        Ok(Err(reason)) => disabled(state, at, reason, "disabled itself"),
        Err(Refusal::Killed(reason)) => state.kill(at, &reason),
        Err(Refusal::WillNotStart(reason)) => state.abort(Verdict::NodeWillNotStart {
            plugin: name,
            reason,
        }),
        Err(Refusal::Aborts(reason)) => state.abort_because(at, reason),
    }
    if let Some(shared) = state.me.upgrade() {
        shared.changed.notify_all();
    }
}

fn disabled(state: &mut State, at: usize, reason: String, how: &str) {
    if let Some(plugin) = state.plugin(at) {
        plugin.may_exit = true;
        plugin.disabled = Some(reason.clone());
    }
    state.kill(at, &format!("{how}: {reason}"));
}

fn wait_for(node: &Node, waiting: PluginState, what: &str) -> Result<()> {
    let limit = node.settings.startup_limit;
    let waited = node.shared.wait(what, limit, |state| {
        if let Some(verdict) = state.verdicts.last() {
            return Some(Err(Failure::verdict_of(verdict.clone(), &state.transcript)));
        }
        let all = state.plugins.iter().all(|p| p.state != waiting);
        all.then_some(Ok(()))
    });
    if let Err(Failure::Deadline { .. }) = &waited {
        // lightningd kills the plugin, and while starting ends itself too.
        let mut state = node.shared.lock();
        let late = state.plugins.iter().position(|p| p.state == waiting);
        let (at, startup) = (late.unwrap_or(0), state.startup);
        state.kill(at, &format!("timed out {what}"));
        if startup {
            let plugin = state.name(at).to_string();
            state.abort(Verdict::NodeWillNotStart {
                plugin,
                reason: format!(
                    "timed out {what}: Can't recover from plugin failure, terminating."
                ),
            });
        }
        drop(state);
        return fail_on_verdict(&node.shared);
    }
    waited
}

pub(crate) fn wait_manifests(node: &Node) -> Result<()> {
    let what = "before replying to getmanifest";
    wait_for(node, PluginState::AwaitingManifest, what)
}

pub(crate) fn wait_inits(node: &Node) -> Result<()> {
    wait_for(node, PluginState::AwaitingInit, "before replying to init")?;
    node.shared.lock().startup = false;
    node.shared.lock().registry.startup = false;
    Ok(())
}

pub(crate) fn fail_on_verdict(shared: &Arc<Shared>) -> Result<()> {
    match shared.lock().verdicts.last() {
        Some(verdict) => Err(Failure::verdict_of(verdict.clone(), &shared.transcript)),
        None => Ok(()),
    }
}

/// Once the manifests are there (`check_plugins_manifests`); for one plugin, or for all.
pub(crate) fn settle_manifests(state: &mut State, only: Option<usize>) {
    for at in chain::make_ordered(state) {
        if state
            .plugin(at)
            .is_some_and(|p| p.state == PluginState::NeedsInit)
        {
            state.kill(at, "Cannot meet required hook dependencies");
        }
    }
    for at in 0..state.plugins.len() {
        if only.is_some_and(|only| only != at) {
            continue;
        }
        let topics = state
            .plugin(at)
            .map(|p| p.manifest.subscriptions.clone())
            .unwrap_or_default();
        for topic in topics {
            if !plugin_side::is_known_topic(state, &topic) {
                let source = format!("plugin-{}", state.name(at));
                state.log(
                    &source,
                    "unusual",
                    format!("topic '{topic}' is not a known notification topic"),
                );
            }
        }
    }
}

/// Sends init, if the plugin is ready for it.
pub(crate) fn send_init(node: &Node, at: usize) -> Result<()> {
    let mut state = node.shared.lock();
    let startup = state.startup;
    let features = features(&state);
    let Some(plugin) = state
        .plugin(at)
        .filter(|p| p.state == PluginState::NeedsInit)
    else {
        return Ok(());
    };
    let options = option_values(plugin)?;
    plugin.state = PluginState::AwaitingInit;
    let params = format!(
        "{{\"options\":{options},\"configuration\":{{\"lightning-dir\":{},\"rpc-file\":\"lightning-rpc\",\
         \"startup\":{startup},\"network\":\"regtest\",{}\"feature_set\":{features}}}}}",
        json!(node.directory.to_string_lossy()),
        node.settings.proxy.map_or_else(String::new, proxy),
    );
    let pending = Pending {
        on_answer: Box::new(move |state, doc| init_came(state, at, doc)),
        on_note: None,
    };
    state.request(at, "init", &params, None, pending);
    Ok(())
}

fn proxy((address, always): (SocketAddr, bool)) -> String {
    let (kind, ip, port) = match address {
        SocketAddr::V4(a) => ("ipv4", a.ip().to_string(), a.port()),
        SocketAddr::V6(a) => ("ipv6", a.ip().to_string(), a.port()),
    };
    format!(
        "\"proxy\":{{\"type\":\"{kind}\",\"address\":\"{ip}\",\"port\":{port}}},\
         \"torv3-enabled\":true,\"always_use_proxy\":{always},"
    )
}

fn features(state: &State) -> String {
    let members: Vec<String> = FEATURE_PLACES
        .iter()
        .map(|(place, _)| {
            let bits = state.registry.features.get(place);
            let bits = bits.map_or_else(String::new, hex::encode);
            format!("\"{place}\":\"{bits}\"")
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

/// `options` of init (`json_add_plugin_options`).
fn option_values(plugin: &Plugin) -> Result<String> {
    for (name, values) in &plugin.values {
        let Some(option) = plugin.manifest.option(name) else {
            return Err(Failure::setup(format!(
                "lightningd would not start: unrecognized option --{name}"
            )));
        };
        for value in values {
            check_value(option.kind, value)
                .map_err(|why| Failure::setup(format!("--{name}: {why}")))?;
        }
        if values.len() != 1 && !option.multi {
            return Err(Failure::setup(format!("--{name} is given several times")));
        }
    }
    let mut members = Vec::new();
    for option in &plugin.manifest.options {
        let given = plugin.values.get(&option.name);
        let shown = |text: &String| match option.kind {
            OptionType::String => json!(text).to_string(),
            OptionType::Int => text.clone(),
            OptionType::Bool | OptionType::Flag => {
                let yes = ["yes", "true"].iter().any(|w| text.eq_ignore_ascii_case(w));
                yes.to_string()
            }
        };
        let texts: Vec<String> = match (given, &option.default) {
            (Some(values), _) => values.iter().map(shown).collect(),
            (None, Some(default)) => vec![shown(default)],
            (None, None) => continue,
        };
        let value = match option.multi {
            true => format!("[{}]", texts.join(",")),
            false => texts.first().cloned().unwrap_or_default(),
        };
        members.push(format!("\"{}\":{value}", option.name));
    }
    Ok(format!("{{{}}}", members.join(",")))
}

fn init_came(state: &mut State, at: usize, doc: &super::json::Doc) {
    let Some(plugin) = state
        .plugin(at)
        .filter(|p| p.state == PluginState::AwaitingInit)
    else {
        return;
    };
    // An error, or any result without `disable`, counts as success.
    let disable = doc
        .get("result")
        .and_then(|result| result.get("disable"))
        .map(|reason| reason.text().to_owned());
    if let Some(reason) = disable {
        return disabled(state, at, reason, "disabled itself at init");
    }
    plugin.state = PluginState::InitComplete;
    let inner = plugin_notification(&plugin.name, &plugin.path, &plugin.manifest);
    state.notify_native("plugin_started", &inner);
    if let Some(shared) = state.me.upgrade() {
        shared.changed.notify_all();
    }
}
