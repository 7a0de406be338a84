//! From files to an answered `getmanifest`.
//!
//! lightningd gives a plugin 120 s from `getmanifest` to the answer of `init` (60 s
//! before v25.02), and at start-up dies itself when that is missed. So loading
//! begins with the process, goes on in parallel, and a guest that would be late is
//! left out by name.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cln_protocol::manifest::{Lightningd, Manifest};
use cln_protocol::native::Version;
use futures::future::join_all;
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::Bridge;
use super::aggregate::{Candidate, Mode, aggregate, parse};
use super::left_out::{LeftOut, Reason};
use super::origin::{Entry, Listed, Origin};
use super::routes::Routes;
use crate::capability::Capabilities;
use crate::guest::call::Fault;
use crate::guest::fault::{Digest, excerpt};
use crate::guest::instance::Seed;
use crate::guest::life::Guest;
use crate::guest::load::workshop::{Loaded, Workshop};
use crate::guest::mailbox::Mailbox;
use crate::guest::sandbox::SandboxLimits;
use crate::guest::ticker::Ticker;
use crate::lightningd::message::Message;
use crate::lightningd::output::Level;
use crate::policy::{Limits, Policy};

/// Loading, begun.
#[derive(Debug)]
pub struct Startup {
    loading: JoinHandle<Loading>,
    workshop: Arc<Workshop>,
    ticker: Arc<Ticker>,
}

/// What of an origin is on its way.
#[derive(Debug, Default)]
struct Loading {
    guests: Vec<Preparing>,
    left_out: Vec<LeftOut>,
    /// What the operator is told of the origin itself.
    word: Option<(Level, String)>,
}

/// One guest ready to run, or why it is left out.
type Prepared = Result<Ready, Reason>;

/// A guest on its way.
#[derive(Debug)]
struct Preparing {
    name: Arc<str>,
    policy: Arc<Policy>,
    ready: JoinHandle<Prepared>,
}

/// A guest that can be started.
#[derive(Debug)]
struct Ready {
    /// Of the module.
    digest: Digest,
    loaded: Loaded,
}

/// Where a guest is started, and until when.
#[derive(Clone, Copy)]
struct Place<'a> {
    bridge: &'a Bridge,
    workshop: &'a Workshop,
    ticker: &'a Arc<Ticker>,
    /// `params` of `getmanifest`.
    request: &'a Arc<str>,
    deadline: Instant,
}

/// What is left for `init` of the time that lightningd gives.
const MARGIN: Duration = Duration::from_secs(25);

impl Startup {
    /// Begins to load.
    pub fn begin(origin: Origin, workshop: Arc<Workshop>, ticker: Arc<Ticker>) -> Startup {
        let shop = Arc::clone(&workshop);
        let loading = tokio::spawn(async move {
            let listed = tokio::task::spawn_blocking(move || origin.list()).await;
            let Listed { entries, word } = listed.unwrap_or_else(|e| Listed {
                entries: Vec::new(),
                word: Some((Level::Unusual, format!("no guest is loaded: {e}"))),
            });
            let mut loading = Loading {
                word,
                ..Loading::default()
            };
            for entry in entries {
                match entry {
                    Ok(entry) => loading.guests.push(Preparing::begin(entry, &shop)),
                    Err((name, why)) => loading.left_out.push(LeftOut::unknown(&name, why)),
                }
            }
            loading
        });
        Startup {
            loading,
            workshop,
            ticker,
        }
    }
}

impl Preparing {
    fn begin(entry: Entry, workshop: &Arc<Workshop>) -> Preparing {
        let Entry {
            name,
            module,
            policy,
        } = entry;
        let (policy, workshop) = (Arc::new(policy), Arc::clone(workshop));
        Preparing {
            name: name.into(),
            policy: Arc::clone(&policy),
            ready: tokio::spawn(async move { prepare(&module, &policy, &workshop).await }),
        }
    }

    /// Starts the guest and waits for its manifest.
    async fn candidate(self, place: Place<'_>) -> Result<Candidate, LeftOut> {
        let Preparing {
            name,
            policy,
            ready,
        } = self;
        let Place {
            bridge, deadline, ..
        } = place;
        let mut started = None;
        let candidate = async {
            let ready = timeout_at(deadline, ready).await.map_err(|_| {
                let why = "not compiled in the time that lightningd gives; it is compiled for the next start";
                Reason::Failed(why.to_owned())
            })?;
            let ready = ready.unwrap_or_else(|e| Err(Reason::Failed(e.to_string())))?;
            let seed = bridge.seed(&name, &policy, ready, place);
            let seed = seed.map_err(Reason::Failed)?;
            let guest = started.insert(Guest::start(seed, Arc::clone(place.request)));
            let manifest = timeout_at(deadline, bridge.manifest(guest)).await;
            let manifest = manifest.map_err(|_| {
                let why = "no manifest in the time that lightningd gives";
                Reason::Failed(why.to_owned())
            })??;
            let guest = Arc::clone(guest);
            Ok(Candidate { guest, manifest })
        };
        candidate.await.map_err(|reason| {
            let left_out = LeftOut::new(
                &name,
                reason,
                &policy,
                bridge.mode,
                bridge.version,
                || match &started {
                    Some(guest) => Arc::clone(guest.capabilities()),
                    // What it would have had to go by.
                    None => {
                        let (name, policy) = (Arc::clone(&name), Arc::clone(&policy));
                        Arc::new(Capabilities::new(name, policy, Arc::clone(&bridge.node)))
                    }
                },
            );
            if let Some(guest) = &started {
                guest.refuse(&left_out.why);
            }
            left_out
        })
    }
}

async fn prepare(module: &Path, policy: &Policy, workshop: &Workshop) -> Prepared {
    if !policy.enabled {
        return Err(Reason::Unwanted("enabled = false".to_owned()));
    }
    let loaded = workshop
        .load(module, policy.sha256, &policy.limits)
        .await
        .map_err(|why| match policy.wasm {
            // The operator named it, and may have named another than was meant.
            Some(_) => Reason::Failed(format!("{}: {why}", module.display())),
            None => Reason::Failed(why),
        })?;
    let digest = Digest::default();
    digest.get_or_init(|| loaded.digest.to_string());
    Ok(Ready { digest, loaded })
}

impl Bridge {
    /// Answers `getmanifest` as soon as all guests have spoken, or are late, and then
    /// lets the loop know the routes.
    pub(super) fn getmanifest(
        self: &Arc<Self>,
        startup: Startup,
        announce: oneshot::Sender<Arc<Routes>>,
        message: Message,
    ) {
        let bridge = Arc::clone(self);
        tokio::spawn(async move {
            let Startup {
                loading,
                workshop,
                ticker,
            } = startup;
            let request = message.params.unwrap_or_else(|| "{}".into());
            bridge
                .deprecated_apis
                .store(allows_deprecated(&request), Ordering::Relaxed);
            let deadline = Instant::now() + bridge.startup_time();
            let loading = match timeout_at(deadline, loading).await {
                Ok(loading) => loading.unwrap_or_default(),
                Err(_) => Loading {
                    word: Some((
                        Level::Unusual,
                        "no guest is loaded: their folder cannot be read in the time that lightningd gives".to_owned(),
                    )),
                    ..Loading::default()
                },
            };
            if let Some((level, word)) = &loading.word {
                bridge.node.log.bridge(*level, word);
            }
            let place = Place {
                bridge: &bridge,
                workshop: &workshop,
                ticker: &ticker,
                request: &request,
                deadline,
            };
            let manifests = loading.guests.into_iter();
            let manifests = manifests.map(|preparing| preparing.candidate(place));
            let mut candidates = Vec::new();
            let mut left_out = loading.left_out;
            for manifest in join_all(manifests).await {
                match manifest {
                    Ok(candidate) => candidates.push(candidate),
                    Err(guest) => left_out.push(guest),
                }
            }
            let sum = aggregate(candidates, left_out, bridge.mode, bridge.version);
            for member in &sum.routes.guests {
                bridge
                    .node
                    .log
                    .write(Level::Info, member.guest.name(), &member.summary);
                for line in &member.ungranted {
                    bridge
                        .node
                        .log
                        .write(Level::Info, member.guest.name(), line);
                }
            }
            for (guest, why) in &sum.refused {
                guest.refuse(why);
            }
            for guest in &sum.routes.left_out {
                for line in guest.lines() {
                    bridge.node.log.unusual(&guest.name, &line);
                }
            }
            let manifest = match sum.routes.left_out.first() {
                // Solo, there is nothing left to run.
                Some(alone) if bridge.mode == Mode::Solo => Manifest {
                    disable: Some(alone.why.clone()),
                    ..Manifest::default()
                }
                .to_lightningd(),
                _ => sum.manifest.to_lightningd(),
            };
            if let Some(id) = &message.id {
                bridge.node.output.result(id, &manifest);
            }
            // The loop may have ended meanwhile.
            drop(announce.send(Arc::new(sum.routes)));
        });
    }

    fn seed(
        &self,
        name: &Arc<str>,
        policy: &Arc<Policy>,
        ready: Ready,
        place: Place<'_>,
    ) -> Result<Seed, String> {
        let Place {
            workshop, ticker, ..
        } = place;
        let Ready { digest, loaded } = ready;
        let limits = SandboxLimits {
            memory: usize::try_from(policy.limits.memory_bytes).unwrap_or(usize::MAX),
            cpu_ms: policy.limits.cpu_per_call_ms,
            answer: usize::try_from(policy.limits.answer_bytes).unwrap_or(usize::MAX),
            handles: handles(&policy.limits),
        };
        let pre = workshop
            .link(&loaded)
            .map_err(|e| format!("cannot be linked: {e:#}"))?;
        let queue = usize::try_from(policy.limits.queue_length).unwrap_or(usize::MAX);
        let calls_in_flight = usize::try_from(policy.limits.calls_in_flight).unwrap_or(usize::MAX);
        let (name, policy) = (Arc::clone(name), Arc::clone(policy));
        let capabilities = Capabilities::new(name, policy, Arc::clone(&self.node));
        capabilities.faults.set_module(digest);
        let mailbox = Mailbox::heard_by(Arc::clone(&capabilities.hearing), queue);
        Ok(Seed {
            engine: workshop.engine().clone(),
            pre,
            ticker: Arc::clone(ticker),
            capabilities: Arc::new(capabilities),
            limits,
            calls_in_flight,
            mailbox: Arc::new(mailbox),
        })
    }

    async fn manifest(&self, guest: &Guest) -> Result<Manifest, Reason> {
        let text = guest.manifest().await.map_err(|fault| match fault {
            Fault::Absent(why) => Reason::Failed(why.to_string()),
            other => Reason::Failed(other.to_string()),
        })?;
        let lightningd = Lightningd {
            version: self.version,
            ..Lightningd::default()
        };
        let manifest = parse(&text, &lightningd).map_err(Reason::Failed)?;
        if let Some(why) = &manifest.disable {
            let why = format!("it disabled itself: {}", excerpt(why));
            return Err(Reason::Disabled(why));
        }
        if !manifest.unknown.is_empty() {
            let word = format!(
                "its manifest has members that nobody knows: {}",
                excerpt(&manifest.unknown.join(", "))
            );
            self.node.log.write(Level::Info, guest.name(), &word);
        }
        Ok(manifest)
    }

    fn startup_time(&self) -> Duration {
        let sixty_before = Version::release(25, 2, 0);
        let total = match self.version {
            Some(version) if version < sixty_before => Duration::from_secs(60),
            _ => Duration::from_secs(120),
        };
        total - MARGIN
    }
}

/// What the limits of a guest let it have under way, and room for what it waits with.
fn handles(limits: &Limits) -> usize {
    let for_calls = limits.calls_in_flight.saturating_mul(4);
    let of_its_own = limits.timers.saturating_add(limits.rpc_in_flight);
    let all = for_calls.saturating_add(of_its_own).saturating_add(1000);
    usize::try_from(all).unwrap_or(usize::MAX)
}

fn allows_deprecated(request: &str) -> bool {
    #[derive(Deserialize)]
    struct Params {
        #[serde(rename = "allow-deprecated-apis")]
        allowed: Option<bool>,
    }
    // Before v0.9.1 there was nothing to ask.
    serde_json::from_str::<Params>(request)
        .ok()
        .and_then(|p| p.allowed)
        .unwrap_or(true)
}
