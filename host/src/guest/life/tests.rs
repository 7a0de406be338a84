use std::path::Path;
use std::task::{Context, Waker};

use wasmtime::component::Component;

use super::*;
use crate::bridge::node::Node;
use crate::capability::Capabilities;
use crate::guest::load::engine::engine;
use crate::guest::mailbox::{Appetite, Mailbox};
use crate::guest::sandbox::{Sandbox, SandboxLimits};
use crate::guest::ticker::Ticker;
use crate::lightningd::output::Output;
use crate::policy::Policy;

/// A guest without any export: each of its lives ends at its start.
fn guest() -> Guest {
    let engine = engine().unwrap();
    let component = Component::new(&engine, b"\0asm\x0d\0\x01\0").unwrap();
    let linker = Sandbox::linker(&engine).unwrap();
    let policy = Policy::parse("", Path::new("a.toml")).unwrap();
    let node = Arc::new(Node::new(Arc::new(Output::default())));
    let seed = Seed {
        pre: linker.instantiate_pre(&component).unwrap(),
        ticker: Arc::new(Ticker::start(engine.clone()).unwrap()),
        engine,
        capabilities: Arc::new(Capabilities::new("a".into(), Arc::new(policy), node)),
        limits: SandboxLimits {
            memory: 1 << 20,
            cpu_ms: 1_000,
            answer: 1 << 20,
            handles: 100,
        },
        calls_in_flight: 1,
        mailbox: Arc::new(Mailbox::new(1)),
    };
    Guest {
        seed,
        state: watch::Sender::new(State::Starting),
        manifest: watch::Sender::new(None),
        init: watch::Sender::new(None),
        request: "{}".into(),
    }
}

#[tokio::test]
async fn a_life_is_not_given_what_was_meant_for_the_one_before() {
    let guest = guest();
    let mailbox = &guest.seed.mailbox;
    guest.begin().ended().await;
    // Its answer to `init` was seen after its end.
    mailbox.call(1, Call::Run);
    let life = guest.begin();
    // The new life has not had its turn yet.
    let all = Appetite {
        calls: true,
        notifications: true,
    };
    let mut cx = Context::from_waker(Waker::noop());
    assert!(mailbox.poll_take(all, &mut cx).is_pending());
    life.ended().await;
}
