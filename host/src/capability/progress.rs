//! Word to the client of a method call that is still open
//! (`lightningd/plugin.c`, `plugin_notify_handle`).

use serde::Serialize;
use serde_json::value::RawValue;

use super::Capabilities;
use crate::guest::bindings::cln::guest::log::Level as WitLevel;
use crate::guest::bindings::cln::guest::progress::Host;
use crate::guest::sandbox::Sandbox;

#[derive(Serialize)]
struct Message<'a> {
    id: &'a RawValue,
    level: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct Progress<'a> {
    id: &'a RawValue,
    num: u32,
    total: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<Stage>,
}

#[derive(Serialize)]
struct Stage {
    num: u32,
    total: u32,
}

/// The longest message, in characters.
const LONGEST: usize = 4 << 10;

impl Capabilities {
    /// Sends a notification about the open call, or nothing if it is not open.
    fn about(
        &self,
        call: u64,
        method: &str,
        params: impl FnOnce(&RawValue) -> serde_json::Result<String>,
    ) {
        let step = match method {
            "message" => "progress.message",
            _ => "progress.progress",
        };
        self.faults.trail.begin(step, "").end("ok");
        let Some(request) = self.open().and_then(|open| open.request(call)) else {
            return;
        };
        if !self.may_notify() {
            return;
        }
        let Ok(id) = RawValue::from_string(request.token().to_owned()) else {
            return;
        };
        if let Ok(params) = params(&id) {
            let sent = self
                .node
                .output
                .notification(&self.backlog, method, &params);
            if !sent {
                self.counters.dropped_notifications.add();
            }
        }
    }
}

impl Host for Sandbox {
    fn message(&mut self, call: u64, level: WitLevel, message: String) -> wasmtime::Result<()> {
        // lightningd takes the names of its log levels here (`common/json_param.c`).
        let level = match level {
            WitLevel::Trace | WitLevel::Debug => "debug",
            WitLevel::Info => "info",
            WitLevel::Unusual | WitLevel::Broken => "unusual",
        };
        let message: String = message.chars().take(LONGEST).collect();
        let message = message.as_str();
        self.capabilities.about(call, "message", |id| {
            serde_json::to_string(&Message { id, level, message })
        });
        Ok(())
    }

    fn progress(
        &mut self,
        call: u64,
        num: u32,
        total: u32,
        stage: Option<(u32, u32)>,
    ) -> wasmtime::Result<()> {
        let stage = stage.map(|(num, total)| Stage { num, total });
        let progress = |id: &RawValue| {
            let message = Progress {
                id,
                num,
                total,
                stage,
            };
            serde_json::to_string(&message)
        };
        self.capabilities.about(call, "progress", progress);
        Ok(())
    }
}
