//! A plugin's process, and lightningd's side of its two pipes.
//!
//! The driver must not be what is measured: it blocks where it would only wait, writes
//! all that it has in one piece, and looks at an answer no longer than it takes to know
//! that it is one.

use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use memchr::memmem;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use serde_json::Value;

use crate::frame::{is_log, number};

mod crew;

pub use crew::Crew;

/// How to start one.
#[derive(Debug, Clone)]
pub struct Start {
    /// For messages to the person who measures.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<PathBuf>,
    /// Added to the environment.
    pub environment: Vec<(String, PathBuf)>,
    /// Where it runs.
    pub folder: PathBuf,
}

/// A running plugin.
#[derive(Debug)]
pub struct Plugin {
    name: String,
    child: Child,
    /// None once it was told to end.
    to: Option<OwnedFd>,
    from: OwnedFd,
    inbox: Vec<u8>,
    /// What of `inbox` is consumed.
    consumed: usize,
    /// Answers so far; also the number in the next request's id.
    sent: u64,
    /// The manifest.
    pub manifest: Value,
    /// From before the process was started to its manifest.
    pub manifest_time: Duration,
    /// Log lines at the levels that an operator sees.
    pub complaints: Vec<String>,
}

/// A request or notification whose id changes from one to the next.
#[derive(Debug, Clone)]
pub struct Template {
    head: Vec<u8>,
    tail: Vec<u8>,
    /// What each answer must contain.
    expected: Vec<u8>,
}

impl Template {
    /// A request with these params, JSON text.
    pub fn request(method: &str, params: &str, expected: &str) -> Template {
        Template {
            head: format!("{{\"jsonrpc\":\"2.0\",\"id\":\"cln:{method}#").into_bytes(),
            tail: format!("\",\"method\":\"{method}\",\"params\":{params}}}\n\n").into_bytes(),
            expected: expected.as_bytes().to_vec(),
        }
    }

    fn write(&self, number: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        // Into a Vec it cannot fail.
        drop(write!(out, "{number}"));
        out.extend_from_slice(&self.tail);
    }
}

impl Plugin {
    /// Starts it and reads its manifest.
    pub fn manifest(start: &Start) -> anyhow::Result<Plugin> {
        Plugin::try_manifest(start).with_context(|| start.name.clone())
    }

    fn try_manifest(start: &Start) -> anyhow::Result<Plugin> {
        let (child_reads, to) = pipe_with(PipeFlags::CLOEXEC)?;
        let (from, child_writes) = pipe_with(PipeFlags::CLOEXEC)?;
        // Ours alone: the other end of a pipe has flags of its own.
        rustix::io::ioctl_fionbio(&to, true)?;
        let (program, arguments) = start.command.split_first().context("no program")?;
        let errors = std::fs::File::create(start.folder.join("stderr"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(start.environment.iter().map(|(name, value)| (name, value)))
            .env("LIGHTNINGD_PLUGIN", "1")
            .env("LIGHTNINGD_VERSION", "v26.06.6")
            .current_dir(&start.folder)
            .stdin(Stdio::from(child_reads))
            .stdout(Stdio::from(child_writes))
            .stderr(errors);
        let began = Instant::now();
        let child = command
            .spawn()
            .with_context(|| program.display().to_string())?;
        // Our copies of the child's ends, so that its death is seen.
        drop(command);
        let mut plugin = Plugin {
            name: start.name.clone(),
            child,
            to: Some(to),
            from,
            inbox: Vec::with_capacity(1 << 20),
            consumed: 0,
            sent: 0,
            manifest: Value::Null,
            manifest_time: Duration::ZERO,
            complaints: Vec::new(),
        };
        plugin.manifest = plugin.call("getmanifest", "{\"allow-deprecated-apis\":false}")?;
        plugin.manifest_time = began.elapsed();
        Ok(plugin)
    }

    /// Starts it and brings it to where it serves.
    pub fn start(start: &Start) -> anyhow::Result<Plugin> {
        let mut plugin = Plugin::manifest(start)?;
        plugin
            .init(&start.folder)
            .with_context(|| start.name.clone())?;
        Ok(plugin)
    }

    /// `init`.
    pub fn init(&mut self, folder: &Path) -> anyhow::Result<()> {
        let params = serde_json::json!({
            "options": {},
            "configuration": {
                "lightning-dir": folder, "rpc-file": "lightning-rpc", "startup": true,
                "network": "regtest",
                "feature_set": {
                    "init": "800898880a8a59a1", "node": "808898880a8a59a1", "channel": "",
                    "invoice": "02000002024100", "bolt12_offer": "", "bolt12_invreq": "",
                    "bolt12_invoice": "020000", "channel_type": "08800000800000"
                }
            }
        });
        let answer = self.call("init", &params.to_string())?;
        ensure!(
            answer.get("disable").is_none(),
            "it disables itself: {answer}"
        );
        Ok(())
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The methods of its manifest, without the bridge's own.
    pub fn methods(&self) -> usize {
        let methods = self.manifest["rpcmethods"].as_array();
        let methods = methods.into_iter().flatten();
        methods
            .filter(|method| method["name"] != "wasm-list")
            .count()
    }

    /// One request and its result.
    pub fn call(&mut self, method: &str, params: &str) -> anyhow::Result<Value> {
        let template = Template::request(method, params, "");
        self.sent += 1;
        let mut out = Vec::new();
        template.write(self.sent, &mut out);
        self.write(&out)?;
        let frame = self.answer()?;
        let mut answer: Value = serde_json::from_slice(&frame)?;
        if let Some(error) = answer.get("error") {
            bail!("{}: {method}: {error}", self.name);
        }
        Ok(answer["result"].take())
    }

    /// Calls one after another, and how long each took.
    pub fn one_at_a_time(
        &mut self,
        template: &Template,
        times: usize,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut all = Vec::with_capacity(times);
        let mut out = Vec::new();
        for _ in 0..times {
            self.sent += 1;
            out.clear();
            template.write(self.sent, &mut out);
            let began = Instant::now();
            self.write(&out)?;
            let number = self.expect(&template.expected)?;
            all.push(began.elapsed());
            ensure!(number == self.sent, "{}: an answer to {number}", self.name);
        }
        Ok(all)
    }

    /// Keeps `window` requests outstanding for about this long; answers per second.
    pub fn outstanding(
        &mut self,
        templates: &[Template],
        window: usize,
        time: Duration,
    ) -> anyhow::Result<f64> {
        let mut next = templates.iter().cycle();
        let (mut sent, mut answered) = (0u64, 0u64);
        // Each answer is to one of the requests: the numbers must add up.
        let mut balance = 0u128;
        let mut out = Vec::new();
        let began = Instant::now();
        let mut open = true;
        while open || answered < sent {
            out.clear();
            while open && sent - answered < window as u64 {
                self.sent += 1;
                sent += 1;
                balance = balance.wrapping_add(self.sent.into());
                if let Some(template) = next.next() {
                    template.write(self.sent, &mut out);
                }
            }
            if !out.is_empty() {
                self.write(&out)?;
            }
            loop {
                // With one template the answer must be its own; with many they all are alike.
                let expected = templates.first().map_or(&b""[..], |t| &t.expected);
                let number = self.expect(expected)?;
                balance = balance.wrapping_sub(number.into());
                answered += 1;
                if answered == sent || !self.has_frame() {
                    break;
                }
            }
            open = open && began.elapsed() < time;
        }
        let rate = answered as f64 / began.elapsed().as_secs_f64();
        ensure!(balance == 0, "{}: answers to other requests", self.name);
        Ok(rate)
    }

    /// Sends the same notification many times, then asks each of `waits` (methods) whether
    /// `count` have come, and waits until they all say so.
    pub fn notify(
        &mut self,
        notification: &[u8],
        times: u64,
        waits: &[String],
        count: u64,
    ) -> anyhow::Result<Duration> {
        let at_once = (32 << 10) / notification.len().max(1) + 1;
        let burst = notification.repeat(at_once);
        let began = Instant::now();
        let mut left = times as usize;
        while left > 0 {
            let now = left.min(at_once);
            self.write(burst.get(..now * notification.len()).unwrap_or_default())?;
            left -= now;
        }
        let mut out = Vec::new();
        for method in waits {
            self.sent += 1;
            Template::request(method, &format!("[{count}]"), "").write(self.sent, &mut out);
        }
        self.write(&out)?;
        for _ in waits {
            let frame = self.answer()?;
            let answer: Value = serde_json::from_slice(&frame)?;
            ensure!(
                answer["result"].as_u64() == Some(count),
                "{}: {count} notifications were sent, and {answer}",
                self.name
            );
        }
        Ok(began.elapsed())
    }

    /// Sends what wants no answer.
    pub fn send(&mut self, notification: &[u8]) -> anyhow::Result<()> {
        self.write(notification)
    }

    /// Sends a request whose answer is taken later, with [`Plugin::finish`].
    pub fn begin(&mut self, method: &str, params: &str) -> anyhow::Result<u64> {
        self.sent += 1;
        let mut out = Vec::new();
        Template::request(method, params, "").write(self.sent, &mut out);
        self.write(&out)?;
        Ok(self.sent)
    }

    /// Calls one after another while other requests, begun with [`Plugin::begin`], are
    /// answered; `on_other` is told the number of each of those.
    pub fn one_at_a_time_beside(
        &mut self,
        template: &Template,
        times: usize,
        mut on_other: impl FnMut(&mut Plugin, u64) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut all = Vec::with_capacity(times);
        let mut out = Vec::new();
        for _ in 0..times {
            self.sent += 1;
            let own = self.sent;
            out.clear();
            template.write(own, &mut out);
            let began = Instant::now();
            self.write(&out)?;
            loop {
                let number = self.expect(b"")?;
                if number == own {
                    break;
                }
                on_other(self, number)?;
            }
            all.push(began.elapsed());
        }
        Ok(all)
    }

    /// Waits for the answer with this number.
    pub fn finish(&mut self, number: u64) -> anyhow::Result<()> {
        while self.expect(b"")? != number {}
        Ok(())
    }

    /// Says goodbye and waits for its end.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.to = None;
        // Until the pipe's end, so that a last log line does not block it.
        let mut chunk = vec![0; 64 << 10];
        while !matches!(rustix::io::read(&self.from, &mut chunk[..]), Ok(0) | Err(_)) {}
        self.child.wait().context("its end")?;
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            let to = self.to.as_ref().context("it was told to end")?;
            match rustix::io::write(to, bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut both = [
                        PollFd::from_borrowed_fd(to.as_fd(), PollFlags::OUT),
                        PollFd::from_borrowed_fd(self.from.as_fd(), PollFlags::IN),
                    ];
                    match poll(&mut both, None) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(e) => return Err(e.into()),
                    }
                    // It may wait for us to read before it reads on.
                    let [_, from] = both;
                    if from.revents().contains(PollFlags::IN) {
                        self.read()?;
                    }
                }
                Err(e) => return Err(e).with_context(|| format!("writing to {}", self.name)),
            }
        }
        Ok(())
    }

    fn read(&mut self) -> anyhow::Result<()> {
        if self.consumed == self.inbox.len() {
            self.inbox.clear();
            self.consumed = 0;
        }
        loop {
            self.inbox.reserve(256 << 10);
            let space = rustix::buffer::spare_capacity(&mut self.inbox);
            match rustix::io::read(&self.from, space) {
                Ok(0) => bail!("{} has ended", self.name),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(e) => return Err(e).with_context(|| format!("reading from {}", self.name)),
            }
        }
    }

    fn unread(&self) -> &[u8] {
        self.inbox.get(self.consumed..).unwrap_or_default()
    }

    fn has_frame(&self) -> bool {
        memmem::find(self.unread(), b"\n\n").is_some()
    }

    /// The length of the next frame, read if it is not there.
    fn frame(&mut self) -> anyhow::Result<usize> {
        let mut searched = 0;
        loop {
            let unread = self.unread();
            if let Some(at) = memmem::find(unread.get(searched..).unwrap_or_default(), b"\n\n") {
                return Ok(searched + at);
            }
            searched = unread.len().saturating_sub(1);
            // What comes first is consumed when it is all: then the search begins again.
            let before = self.consumed;
            self.read()?;
            if self.consumed != before {
                searched = 0;
            }
        }
    }

    /// The next answer, whole.
    fn answer(&mut self) -> anyhow::Result<Vec<u8>> {
        loop {
            let length = self.frame()?;
            let frame = self.unread().get(..length).unwrap_or_default().to_vec();
            self.consumed += length + 2;
            if !is_log(&frame) {
                return Ok(frame);
            }
            self.note(&frame);
        }
    }

    /// The next answer's number, after a look at whether it is as expected.
    fn expect(&mut self, expected: &[u8]) -> anyhow::Result<u64> {
        loop {
            let length = self.frame()?;
            let frame = self.unread().get(..length).unwrap_or_default();
            if is_log(frame) {
                let frame = frame.to_vec();
                self.consumed += length + 2;
                self.note(&frame);
                continue;
            }
            let as_expected = memmem::find(frame, expected).is_some();
            let number = number(frame);
            match (as_expected, number) {
                (true, Some(number)) => {
                    self.consumed += length + 2;
                    return Ok(number);
                }
                _ => bail!("{}: {:.300}", self.name, String::from_utf8_lossy(frame)),
            }
        }
    }

    fn note(&mut self, frame: &[u8]) {
        let line: Value = serde_json::from_slice(frame).unwrap_or_default();
        let level = line["params"]["level"].as_str().unwrap_or_default();
        if matches!(level, "warn" | "unusual" | "error" | "broken") {
            let message = line["params"]["message"].as_str().unwrap_or_default();
            self.complaints.push(message.to_owned());
        }
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_that_answers_out_of_turn_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let answers = r#"printf '{"id":"cln:x#9","result":{}}\n\n'; cat >/dev/null"#;
        let start = Start {
            name: "wrong".to_owned(),
            command: ["sh", "-c", answers].map(PathBuf::from).to_vec(),
            environment: Vec::new(),
            folder: folder.path().to_owned(),
        };
        let mut plugin = Plugin::manifest(&start).unwrap();
        let template = Template::request("m", "{}", "");
        // The one answer that it gives was taken for the manifest.
        plugin
            .inbox
            .extend_from_slice(b"{\"id\":\"cln:m#1\",\"result\":{}}\n\n");
        assert!(plugin.one_at_a_time(&template, 1).is_err());
    }
}
