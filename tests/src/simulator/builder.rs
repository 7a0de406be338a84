//! What the simulated node is to be like.

use super::manifest::Manifest;
use super::node::Node;
use super::process::Launch;
use super::startup;
use super::state::{Native, RpcWatch};
use super::verdict::{Result, RpcError};
use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where it all begins.
pub struct Simulator;

impl Simulator {
    /// A node without plugins yet.
    pub fn builder() -> Builder {
        Builder {
            plugins: Vec::new(),
            version: "v26.06.6".to_owned(),
            developer: false,
            deprecated_apis: false,
            natives: HashMap::new(),
            deadline: Duration::from_secs(30),
            startup_limit: Duration::from_secs(120),
            shutdown_limit: Duration::from_secs(30),
            directory: None,
            waits_for_init: true,
            rpc_watch: None,
            env: Vec::new(),
            proxy: None,
        }
    }
}

/// JSON for a message: a [`Value`], or text that is sent as it stands.
pub trait AsJson {
    /// The text.
    fn as_json(&self) -> String;
}

impl AsJson for Value {
    fn as_json(&self) -> String {
        self.to_string()
    }
}

impl AsJson for str {
    fn as_json(&self) -> String {
        self.to_owned()
    }
}

impl AsJson for String {
    fn as_json(&self) -> String {
        self.clone()
    }
}

impl<T: AsJson + ?Sized> AsJson for &T {
    fn as_json(&self) -> String {
        (*self).as_json()
    }
}

/// A plugin to start.
#[derive(Clone, Debug)]
pub(crate) struct PluginSpec {
    pub(crate) launch: Launch,
    /// Option values as on the command line.
    pub(crate) values: HashMap<String, Vec<String>>,
    /// The path by which lightningd knows it.
    pub(crate) path: PathBuf,
}

impl PluginSpec {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            launch: Launch {
                program: path.to_owned(),
                args: Vec::new(),
                env: Vec::new(),
            },
            values: HashMap::new(),
            path: path.to_owned(),
        }
    }
}

/// Describes a node; [`start`](Self::start) brings it up.
pub struct Builder {
    pub(crate) plugins: Vec<PluginSpec>,
    pub(crate) version: String,
    pub(crate) developer: bool,
    pub(crate) deprecated_apis: bool,
    pub(crate) natives: HashMap<String, Native>,
    pub(crate) deadline: Duration,
    pub(crate) startup_limit: Duration,
    pub(crate) shutdown_limit: Duration,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) waits_for_init: bool,
    pub(crate) rpc_watch: Option<RpcWatch>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) proxy: Option<(SocketAddr, bool)>,
}

impl Builder {
    /// Adds a plugin; [`arg`](Self::arg), [`env`](Self::env) and [`option`](Self::option) that follow are
    /// for it. Several are started in this order.
    pub fn plugin(mut self, path: impl AsRef<Path>) -> Self {
        self.plugins.push(PluginSpec::new(path.as_ref()));
        self
    }

    /// An argument for the plugin added last. lightningd itself gives none but `--developer`.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        if let Some(plugin) = self.plugins.last_mut() {
            plugin.launch.args.push(arg.into());
        }
        self
    }

    /// An environment variable for the plugin added last, or for all if none was added yet.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let pair = (name.into(), value.into());
        match self.plugins.last_mut() {
            Some(plugin) => plugin.launch.env.push(pair),
            None => self.env.push(pair),
        }
        self
    }

    /// The name under which lightningd knows the plugin added last, in logs and in `before` and `after`:
    /// for plugins started through an interpreter.
    pub fn named(mut self, path: impl AsRef<Path>) -> Self {
        if let Some(plugin) = self.plugins.last_mut() {
            plugin.path = path.as_ref().to_owned();
        }
        self
    }

    /// An option of the plugin added last, as if on lightningd's command line: a string, a number, a
    /// boolean (`true` for a flag), or an array of them for an option that may be given several times.
    pub fn option(mut self, name: impl Into<String>, value: Value) -> Self {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let values = match &value {
            Value::Array(list) => list.iter().map(text).collect(),
            single => vec![text(single)],
        };
        if let Some(plugin) = self.plugins.last_mut() {
            plugin.values.insert(name.into(), values);
        }
        self
    }

    /// `LIGHTNINGD_VERSION`; v26.06.6 unless told.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// As with lightningd's `--developer`: passed on to the plugins, and deprecated APIs are off.
    pub fn developer(mut self) -> Self {
        self.developer = true;
        self
    }

    /// As with `--allow-deprecated-apis`; off unless told.
    pub fn allow_deprecated_apis(mut self, allow: bool) -> Self {
        self.deprecated_apis = allow;
        self
    }

    /// Plays a command of lightningd. It gets the params and gives the result or an error, on a thread of
    /// its own: it may block. A command that nobody plays answers with code -1.
    pub fn native(
        self,
        name: impl Into<String>,
        play: impl Fn(&Value) -> std::result::Result<Value, RpcError> + Send + Sync + 'static,
    ) -> Self {
        self.native_raw(name, move |params| play(params).map(|v| v.to_string()))
    }

    /// The same, with the result as JSON text that goes out byte for byte.
    pub fn native_raw(
        mut self,
        name: impl Into<String>,
        play: impl Fn(&Value) -> std::result::Result<String, RpcError> + Send + Sync + 'static,
    ) -> Self {
        self.natives.insert(name.into(), Arc::new(play));
        self
    }

    /// Shows each request that comes to the RPC socket, as its bytes came, before anything else is done
    /// with it.
    pub fn watch_rpc(mut self, watch: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.rpc_watch = Some(Arc::new(watch));
        self
    }

    /// As with `--proxy`, and with `--always-use-proxy` or without: `init` tells the plugins.
    pub fn proxy(mut self, address: SocketAddr, always: bool) -> Self {
        self.proxy = Some((address, always));
        self
    }

    /// How long anything may take before the test fails; 30 s unless told.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long a plugin may take over getmanifest, and then over init: 120 s with lightningd.
    pub fn startup_limit(mut self, limit: Duration) -> Self {
        self.startup_limit = limit;
        self
    }

    /// How long a plugin may take to exit after `shutdown`: 30 s with lightningd.
    pub fn shutdown_limit(mut self, limit: Duration) -> Self {
        self.shutdown_limit = limit;
        self
    }

    /// lightningd's directory, which then outlives the node; a temporary one unless told. The plugins
    /// run in `regtest` inside it.
    pub fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// [`start`](Self::start) returns when init has been sent: hooks are called before it is answered, as
    /// lightningd does. [`Node::wait_init`] waits for the answers.
    pub fn without_waiting_for_init(mut self) -> Self {
        self.waits_for_init = false;
        self
    }

    /// Starts the plugins: getmanifest, `db_write` for those who hook it, init.
    ///
    /// # Errors
    /// A verdict about any plugin, a deadline, or a setup that cannot be (an option no plugin has).
    pub fn start(self) -> Result<Node> {
        startup::start(self)
    }

    /// Starts the processes and says nothing to them: for whole recorded streams, handshake included.
    pub fn start_silent(self) -> Result<Node> {
        startup::start_silent(self)
    }

    /// What `lightningd --help` does: getmanifest to the plugin added last, then the end of its stdin.
    ///
    /// # Errors
    /// A verdict, a deadline; or the plugin wrote anything else, did not exit with success, or changed a
    /// file in lightningd's directory.
    pub fn help(self) -> Result<Manifest> {
        super::stopping::help(self)
    }
}
