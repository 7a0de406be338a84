//! What comes back from the bridge: answers, guests' calls of the node, lines for the log.

use std::io::Write;
use std::os::unix::net::UnixStream;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::faulty::{self, Step};
use super::wire::Heard;
use super::{BETWEEN_LOOKS, Open, Traffic, Vitals, guests};
use crate::simulator::judge_hook;

impl Traffic {
    pub(super) fn take(&mut self, heard: Heard) -> anyhow::Result<()> {
        self.heard += 1;
        if self.heard.is_multiple_of(BETWEEN_LOOKS) {
            self.busy.push(Vitals::of(self.wire.pid())?);
        }
        match heard {
            Heard::Plugin(message) => match message["id"].as_u64() {
                Some(id) => {
                    let open = self.open.remove(&id);
                    let open = open.with_context(|| format!("nobody waits for {message}"))?;
                    self.answer(open, &message)
                        .with_context(|| format!("in {message:.300}"))
                }
                None => self.line(&message),
            },
            Heard::Request(request, to) => self.request(&request, to),
            Heard::End(why) => bail!("it ended: {why:?}"),
        }
    }

    fn answer(&mut self, open: Open, message: &Value) -> anyhow::Result<()> {
        ensure!(message["jsonrpc"] == "2.0", "no JSON-RPC");
        let passed = json!({"result": "continue"});
        let result = &message["result"];
        match open {
            Open::Hook(hook) => {
                self.work_open -= 1;
                self.hook_answer(hook, message, &passed)?;
            }
            Open::Echo(params) => {
                self.work_open -= 1;
                self.report.requests += 1;
                ensure!(*result == params, "not {params}");
            }
            Open::Node => {
                self.work_open -= 1;
                self.report.requests += 1;
                ensure!(result["result"]["id"] == "02", "not the node's word");
            }
            Open::Htlc(number) => {
                self.wave.open -= 1;
                self.report.held += 1;
                self.hook_answer("htlc_accepted", message, &guests::verdict(number))?;
            }
            Open::Release => {
                self.wave.releases -= 1;
                self.report.requests += 1;
                ensure!(*result == 1, "not one HTLC was released");
            }
            Open::Command(mut to, id) => {
                self.hook_answer("rpc_command", message, &passed)?;
                let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"id": "02"}});
                to.write_all(format!("{answer}\n\n").as_bytes())?;
            }
            Open::Faulty(at, step) => {
                if let Step::Hook(hook) = step {
                    self.hook_answer(hook, message, &passed)?;
                } else {
                    self.report.requests += 1;
                }
                let faulty = self.faulty.get_mut(at).context("no such guest")?;
                let next = faulty.answered(step, message)?;
                self.go_on(at, next)?;
            }
        }
        Ok(())
    }

    /// Sends what a faulty guest is to be asked next.
    fn go_on(&mut self, at: usize, next: Option<faulty::Request>) -> anyhow::Result<()> {
        if let Some(request) = next {
            let open = Open::Faulty(at, request.step);
            self.send(&request.method, &request.params, open)?;
        }
        Ok(())
    }

    /// An answer must be the one that is expected, and one that lightningd takes.
    fn hook_answer(
        &mut self,
        hook: &'static str,
        message: &Value,
        expected: &Value,
    ) -> anyhow::Result<()> {
        self.report.hooks += 1;
        ensure!(message["result"] == *expected, "{hook}: not {expected}");
        let text = expected.to_string();
        let judged = self.judged.entry(hook).or_default();
        if !judged.contains(&text) {
            let params = match hook {
                "htlc_accepted" => guests::htlc(0),
                hook => crate::bridge::payload(hook),
            };
            if let Err(why) = judge_hook(hook, &params, &message.to_string()) {
                bail!("{hook}: lightningd would end: {why}");
            }
            judged.push(text);
        }
        Ok(())
    }

    /// A guest calls the node: lightningd asks `rpc_command` first.
    fn request(&mut self, request: &Value, mut to: UnixStream) -> anyhow::Result<()> {
        let id = request["id"].clone();
        if request["method"] != "getinfo" {
            let answer = json!({"jsonrpc": "2.0", "id": id, "result": {}});
            return Ok(to.write_all(format!("{answer}\n\n").as_bytes())?);
        }
        self.report.rpc += 1;
        let shown =
            json!({"rpc_command": {"jsonrpc": "2.0", "id": id, "method": "getinfo", "params": {}}});
        self.send("rpc_command", &shown.to_string(), Open::Command(to, id))
    }

    /// A line for lightningd's log.
    fn line(&mut self, message: &Value) -> anyhow::Result<()> {
        ensure!(message["method"] == "log", "what is {message}?");
        let (level, text) = (&message["params"]["level"], &message["params"]["message"]);
        let text = text.as_str().unwrap_or_default();
        ensure!(!is_broken(level), "BROKEN: {text}");
        if level != "unusual" && level != "warn" {
            return Ok(());
        }
        let Some((guest, word)) = text.split_once(": ") else {
            bail!("whose line is {text}?");
        };
        let Some(at) = self.faulty.iter().position(|f| f.name == guest) else {
            let dropped =
                word.starts_with("does not keep up: notification block_added was dropped");
            ensure!(dropped, "{text}");
            return Ok(());
        };
        let next = match self.faulty.get_mut(at) {
            Some(faulty) => faulty.line(word)?,
            None => None,
        };
        self.go_on(at, next)
    }
}

/// By either of lightningd's names for it.
pub(super) fn is_broken(level: &Value) -> bool {
    level == "broken" || level == "error"
}
