//! Between lightningd and the guests: each message to where it belongs, each
//! answer back.

pub mod aggregate;
pub mod bundled;
pub mod echo;
pub mod granted;
pub mod hooks;
pub mod init;
pub mod left_out;
pub mod lineage;
pub mod list;
pub mod methods;
pub mod node;
pub mod notifications;
pub mod order;
pub mod origin;
pub mod routes;
pub mod startup;
pub mod withhold;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cln_protocol::native::Version;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::aggregate::Mode;
use self::hooks::Payload;
use self::init::{Init, Inits};
use self::node::Node;
use self::routes::Routes;
use self::startup::Startup;
use crate::capability::http::outgoing::Outgoing;
use crate::guest::call::Call;
use crate::guest::life::{Cause, State};
use crate::guest::load::workshop::Workshop;
use crate::lightningd::framing::Framer;
use crate::lightningd::message::{Malformed, Message, RequestId};
use crate::lightningd::output::{INVALID_PARAMS, Level, RpcError};
use crate::lightningd::stdio::Source;

/// The bridge between one lightningd and its guests.
#[derive(Debug)]
pub struct Bridge {
    node: Arc<Node>,
    mode: Mode,
    /// lightningd's; None when it did not say.
    version: Option<Version>,
    /// The file name under which lightningd knows this plugin.
    plugin_name: String,
    network: OnceLock<String>,
    inits: Inits,
    /// When `init` came.
    initialised: OnceLock<Instant>,
    workshop: Arc<Workshop>,
    /// `allow-deprecated-apis` of `getmanifest`.
    deprecated_apis: AtomicBool,
}

/// How the process was started.
#[derive(Debug)]
pub struct Setup {
    /// Many guests, or one.
    pub mode: Mode,
    /// `LIGHTNINGD_VERSION`.
    pub version: Option<Version>,
    /// The file name under which lightningd knows this plugin.
    pub plugin_name: String,
}

/// How long the last crash bundles may take at the end.
const CRASHES_WRITTEN: Duration = Duration::from_secs(2);

/// Ready after SIGTERM. Listened for in a task of its own: whoever listens is entered in a
/// list and taken out again each time that the loop waits.
fn terminated() -> std::io::Result<oneshot::Receiver<()>> {
    let mut signals = signal(SignalKind::terminate())?;
    let (say, terminated) = oneshot::channel();
    tokio::spawn(async move {
        signals.recv().await;
        // The bridge may have ended already.
        let _ = say.send(());
    });
    Ok(terminated)
}

/// What the loop goes on with.
enum Next {
    Message(Result<Message, Malformed>),
    Ready(Arc<Routes>),
    End(&'static str),
}

impl Bridge {
    /// A bridge before its first message.
    pub fn new(setup: Setup, node: Arc<Node>, workshop: Arc<Workshop>) -> Arc<Bridge> {
        Arc::new(Bridge {
            node,
            mode: setup.mode,
            version: setup.version,
            plugin_name: setup.plugin_name,
            network: OnceLock::new(),
            inits: Inits::default(),
            initialised: OnceLock::new(),
            workshop,
            deprecated_apis: AtomicBool::new(true),
        })
    }

    /// Reads and routes until lightningd is gone or says `shutdown`. `startup` has
    /// begun to load the guests.
    pub async fn run(
        self: &Arc<Self>,
        mut source: Source,
        startup: Startup,
    ) -> std::io::Result<()> {
        let mut framer = Framer::default();
        let mut terminated = terminated()?;
        let mut startup = Some(startup);
        let (announce, mut announced) = oneshot::channel::<Arc<Routes>>();
        let mut announce = Some(announce);
        let mut routes: Option<Arc<Routes>> = None;
        // What comes before the manifest is out: nothing, from lightningd.
        let mut early: VecDeque<Message> = VecDeque::new();
        let mut oneshot = None;
        loop {
            let first = |method: &str| routes.as_deref()?.first_withheld(method);
            let next = match framer.next_message(&first) {
                Some(message) => Next::Message(message),
                None => tokio::select! {
                    biased;
                    ready = &mut announced, if routes.is_none() => match ready {
                        Ok(ready) => Next::Ready(ready),
                        Err(_) => Next::End("the guests could not be loaded"),
                    },
                    _ = &mut terminated => Next::End("SIGTERM"),
                    read = source.read(framer.space()) => match read? {
                        0 => Next::End("lightningd closed the pipe"),
                        _ => continue,
                    },
                },
            };
            match next {
                Next::End(why) => {
                    if framer.pending() > 0 {
                        let word = format!(
                            "{} bytes of an unfinished message are lost",
                            framer.pending()
                        );
                        self.node.log.bridge(Level::Unusual, &word);
                    }
                    self.shut_down(routes.as_deref(), why).await;
                    return Ok(());
                }
                Next::Ready(ready) => {
                    for message in early.drain(..) {
                        self.route(&ready, message, &mut oneshot);
                    }
                    routes = Some(ready);
                }
                Next::Message(Err(malformed)) => self.refuse(&malformed),
                Next::Message(Ok(message)) => {
                    if message.method.as_deref() == Some("getmanifest") {
                        match (startup.take(), announce.take()) {
                            (Some(startup), Some(announce)) => {
                                self.getmanifest(startup, announce, message)
                            }
                            _ => self.node.output.error(
                                message.id.as_ref(),
                                &RpcError::new(-32600, "getmanifest again"),
                            ),
                        }
                    } else if let Some(routes) = &routes {
                        let last =
                            message.id.is_none() && message.method.as_deref() == Some("shutdown");
                        self.route(routes, message, &mut oneshot);
                        if last {
                            self.shut_down(Some(routes), "shutdown").await;
                            return Ok(());
                        }
                    } else {
                        early.push_back(message);
                    }
                }
            }
        }
    }

    fn refuse(&self, malformed: &Malformed) {
        self.node.log.bridge(
            Level::Unusual,
            &format!("lightningd sent what is no message: {malformed}"),
        );
        let error = RpcError::new(malformed.code(), malformed.to_string());
        self.node.output.error(None, &error);
    }

    /// Sends one message on its way. Never waits: stdin must always be drained.
    fn route(self: &Arc<Self>, routes: &Arc<Routes>, message: Message, oneshot: &mut Option<bool>) {
        let Some(method) = message.method.clone() else {
            let error = RpcError::new(-32600, "no method");
            return self.node.output.error(message.id.as_ref(), &error);
        };
        let Some(id) = message.id.clone() else {
            if *method == *"deprecated_oneshot" {
                *oneshot = message
                    .params
                    .as_deref()
                    .and_then(notifications::deprecated_ok);
            }
            if *method == *"shutdown" {
                // Delivered with a deadline when the bridge ends.
                return;
            }
            return self.notification(routes, method, message);
        };
        let deprecated_ok = oneshot
            .take()
            .unwrap_or_else(|| self.deprecated_apis.load(Ordering::Relaxed));
        let (bridge, routes) = (Arc::clone(self), Arc::clone(routes));
        // tokio copies a task's future eight times from its birth to its end.
        tokio::spawn(Box::pin(async move {
            bridge.request(&routes, message, id, deprecated_ok).await
        }));
    }

    async fn request(&self, routes: &Routes, message: Message, id: RequestId, deprecated_ok: bool) {
        let method = message.method.as_deref().unwrap_or_default();
        if let Some(chained) = routes.hooks.get(method) {
            let payload = Payload {
                whole: message.params.unwrap_or_else(|| "{}".into()),
                shown: message.shown,
            };
            if chained.spec.name == "db_write" {
                self.node.begin();
                let gate = self.node.output.open_db_write(id.clone());
                gate.answer(&self.hook(routes, chained, payload, &id).await);
            } else {
                let result = self.hook(routes, chained, payload, &id).await;
                self.node.output.result(&id, &result);
            }
            return;
        }
        let reply = match method {
            "init" => self.init(routes, message.params.as_deref()).await,
            "check" => self.check(routes, message.params.as_deref(), &id).await,
            "setconfig" => {
                self.setconfig(routes, message.params.as_deref(), &id, false)
                    .await
            }
            _ if self.is_own(method) => {
                let filter = methods::filter(message.filter.as_deref());
                filter.and_then(|filter| {
                    let list = self.list(routes, message.params.as_deref())?;
                    methods::filtered(list, filter.as_ref())
                })
            }
            _ if routes.methods.contains_key(method) => {
                self.method(routes, message, &id, deprecated_ok).await
            }
            _ => Err(methods::unknown(method)),
        };
        match reply {
            Ok(result) => self.node.output.result(&id, &result),
            Err(error) => self.node.output.error(Some(&id), &error),
        }
    }

    async fn init(&self, routes: &Routes, params: Option<&str>) -> methods::Reply {
        let init = Init::parse(params.unwrap_or("{}"))
            .map_err(|e| RpcError::new(INVALID_PARAMS, format!("init: {e}")))?;
        if let Some(network) = init.network() {
            // A second init does not exist in the protocol; the first counts.
            drop(self.network.set(network.to_owned()));
        }
        self.initialised.get_or_init(Instant::now);
        self.node.begin();
        self.node.crashes.open();
        if let Some(path) = init.rpc_path() {
            self.node.set_rpc(path);
        }
        self.node.set_http(Outgoing::new(init.proxy()));
        for member in &routes.guests {
            let part = init.part(member);
            for problem in &part.problems {
                self.node.log.unusual(
                    member.guest.name(),
                    &format!("{problem}; it starts without"),
                );
            }
            let params = part.params();
            self.inits.told(member.guest.name(), part);
            member.guest.set_init(params);
        }
        // The directory is ours from here on.
        let (workshop, log) = (Arc::clone(&self.workshop), self.node.log.clone());
        tokio::spawn(async move {
            for problem in workshop.keep().await {
                log.bridge(
                    Level::Unusual,
                    &format!("compiled guests cannot be kept for the next start: {problem}"),
                );
            }
        });
        let mut disabled = None;
        for member in &routes.guests {
            // Each has its own deadline for init, and all of them run at the same time.
            match member.guest.initialised().await {
                State::Disabled(why) => disabled = Some(why),
                State::Gone(why) | State::Quarantined(why) if self.mode == Mode::Solo => {
                    disabled = Some(why)
                }
                _ => {}
            }
        }
        match disabled {
            Some(why) if self.mode == Mode::Solo => {
                Ok(serde_json::json!({ "disable": &*why }).to_string())
            }
            _ => Ok("{}".to_owned()),
        }
    }

    /// Do lightningd's own plugins still start?
    fn node_starts(&self) -> bool {
        self.initialised
            .get()
            .is_none_or(|since| since.elapsed() < bundled::WINDOW)
    }

    /// Tells the guests, waits for those that want to know, and ends.
    async fn shut_down(&self, routes: Option<&Routes>, why: &str) {
        if let Some(routes) = routes {
            // Before init, as at the end of `lightningd --help`, there is nobody to tell.
            let ready = |member: &&routes::Member| member.guest.is_ready();
            let members: Vec<_> = routes.subscribers("shutdown").filter(ready).collect();
            let told = members.iter().map(|member| {
                let call = Call::Notification {
                    topic: "shutdown".into(),
                    params: "{\"shutdown\":{}}".into(),
                    origin: None,
                };
                let deadline = member
                    .guest
                    .capabilities()
                    .policy
                    .limits
                    .deadline("shutdown");
                let deadline = deadline.unwrap_or(Duration::from_secs(10));
                member.guest.call(call, Some(deadline), Cause::default())
            });
            for (told, member) in futures::future::join_all(told).await.iter().zip(&members) {
                if let Err(fault) = told {
                    let name = member.guest.name();
                    self.node.log.debug(name, &format!("shutdown: {fault}"));
                }
            }
            for member in &routes.guests {
                member.guest.refuse("the bridge ends");
            }
        }
        self.node.close();
        // A disk that hangs must not keep lightningd from ending.
        let written = self.node.crashes.written();
        if tokio::time::timeout(CRASHES_WRITTEN, written)
            .await
            .is_err()
        {
            let word = "crash bundles could not be written in time";
            self.node.log.bridge(Level::Unusual, word);
        }
        self.node.log.bridge(Level::Debug, &format!("ends: {why}"));
        self.node.output.close();
    }
}
