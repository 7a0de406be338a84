//! Waiting without blocking the guest's other calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wasmtime::component::{Accessor, HasSelf};

use super::{Capabilities, Capability};
use crate::guest::bindings::cln::guest::timer::{Failure, Host, HostWithStore};
use crate::guest::sandbox::Sandbox;

/// The longest sleep, in ms: tokio's timer wheel ends there (about two years).
const LONGEST: u64 = 1 << 36;

/// Counts a timer for as long as it is set; it ends with the instance too.
struct Timer<'a>(&'a Capabilities);

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.0.timers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Capabilities {
    fn set_timer(&self) -> Result<Timer<'_>, Failure> {
        self.may(Capability::Timer).map_err(Failure::Denied)?;
        let limit = self.policy.limits.timers;
        let before = self.timers.fetch_add(1, Ordering::Relaxed);
        let timer = Timer(self);
        if before >= limit {
            return Err(Failure::Limit(format!(
                "limits.timers: {limit} timers are set already"
            )));
        }
        Ok(timer)
    }
}

impl Host for Sandbox {}

impl HostWithStore<Sandbox> for HasSelf<Sandbox> {
    async fn sleep(
        accessor: &Accessor<Sandbox, Self>,
        ms: u64,
    ) -> wasmtime::Result<Result<(), Failure>> {
        let capabilities = accessor.with(|mut access| Arc::clone(&access.get().capabilities));
        let trail = &capabilities.faults.trail;
        let step = trail.begin("timer.sleep", &format!("{ms} ms"));
        let _timer = match capabilities.set_timer() {
            Ok(timer) => timer,
            Err(failure) => {
                step.end("refused");
                return Ok(Err(failure));
            }
        };
        tokio::time::sleep(Duration::from_millis(ms.min(LONGEST))).await;
        step.end("ok");
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::bridge::node::Node;
    use crate::lightningd::output::Output;
    use crate::policy::{Policy, Requested};
    use cln_protocol::manifest::CapabilityRequest;

    #[test]
    fn as_many_as_the_limit_are_set_at_the_same_time() {
        let text = "[grant]\ntimer = true\n[limits]\ntimers = 2";
        let policy = Policy::parse(text, Path::new("t.toml")).unwrap();
        let node = Node::new(Arc::new(Output::default()));
        let guest = Capabilities::new("t".into(), Arc::new(policy), Arc::new(node));
        assert!(
            matches!(guest.set_timer(), Err(Failure::Denied(_))),
            "not asked for"
        );
        let request = CapabilityRequest {
            grant: "timer".to_owned(),
            reason: "to wait".to_owned(),
        };
        guest.set_requested(Requested::read(&[request]).unwrap());
        let (first, second) = (guest.set_timer(), guest.set_timer());
        assert!(first.is_ok() && second.is_ok());
        assert!(
            matches!(guest.set_timer(), Err(Failure::Limit(why)) if why.contains("limits.timers"))
        );
        drop(first);
        assert!(guest.set_timer().is_ok());
        drop(second);
        assert_eq!(guest.timers.load(Ordering::Relaxed), 0);
    }
}
