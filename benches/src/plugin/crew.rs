//! Many plugins at once, each a process of its own.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::{Plugin, Start, Template};

/// Native plugins of one kind.
#[derive(Debug)]
pub struct Crew {
    plugins: Vec<Plugin>,
    /// Requests without an answer, of each.
    open: Vec<usize>,
    /// Those that have some: looking at all would be measured too.
    waiting: Vec<usize>,
    /// Each answer is to one of the requests: the numbers must add up.
    balance: u128,
}

impl Crew {
    /// Starts so many.
    pub fn start(start: &Start, count: usize) -> anyhow::Result<Crew> {
        let plugins: anyhow::Result<Vec<_>> = (0..count).map(|_| Plugin::start(start)).collect();
        Ok(Crew {
            plugins: plugins?,
            open: vec![0; count],
            waiting: Vec::new(),
            balance: 0,
        })
    }

    /// All of them.
    pub fn plugins(&self) -> &[Plugin] {
        &self.plugins
    }

    /// Their processes.
    pub fn processes(&self) -> Vec<u32> {
        self.plugins.iter().map(Plugin::process).collect()
    }

    /// Keeps `window` requests outstanding for about this long, to each plugin in turn; answers per second.
    pub fn outstanding(
        &mut self,
        template: &Template,
        window: usize,
        time: Duration,
    ) -> anyhow::Result<f64> {
        let began = Instant::now();
        let (mut sent, mut answered, mut turn) = (0usize, 0usize, 0);
        self.balance = 0;
        let mut sending = true;
        while sending || answered < sent {
            while sending && sent - answered < window {
                self.send(turn, template)?;
                sent += 1;
                turn = (turn + 1) % self.plugins.len();
            }
            for at in self.ready()? {
                answered += self.receive(at, template)?;
            }
            let open = &self.open;
            self.waiting.retain(|at| open[*at] > 0);
            sending = sending && began.elapsed() < time;
        }
        let rate = answered as f64 / began.elapsed().as_secs_f64();
        ensure!(self.balance == 0, "answers to other requests");
        Ok(rate)
    }

    fn send(&mut self, at: usize, template: &Template) -> anyhow::Result<()> {
        let (plugin, open) = (&mut self.plugins[at], &mut self.open[at]);
        plugin.sent += 1;
        if *open == 0 {
            self.waiting.push(at);
        }
        *open += 1;
        self.balance = self.balance.wrapping_add(plugin.sent.into());
        let mut out = Vec::new();
        template.write(plugin.sent, &mut out);
        plugin.write(&out)
    }

    /// Those of which an answer is there.
    fn ready(&self) -> anyhow::Result<Vec<usize>> {
        let pipe =
            |at: &usize| PollFd::from_borrowed_fd(self.plugins[*at].from.as_fd(), PollFlags::IN);
        let mut pipes: Vec<PollFd<'_>> = self.waiting.iter().map(pipe).collect();
        match poll(&mut pipes, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = self.waiting.iter().zip(pipes);
        let ready = ready.filter(|(_, pipe)| !pipe.revents().is_empty());
        Ok(ready.map(|(at, _)| *at).collect())
    }

    /// Takes the answers that are there: how many.
    fn receive(&mut self, at: usize, template: &Template) -> anyhow::Result<usize> {
        let (plugin, open) = (&mut self.plugins[at], &mut self.open[at]);
        let mut taken = 0;
        loop {
            let number = plugin.expect(&template.expected)?;
            self.balance = self.balance.wrapping_sub(number.into());
            *open -= 1;
            taken += 1;
            if *open == 0 || !plugin.has_frame() {
                return Ok(taken);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn each_is_asked_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        // Answers to each line that is a request, with the number in its id.
        let answers = r##"sed -un 's/.*"id":"\([^"]*\)".*/{"id":"\1","result":{"it":"ok"}}\n/p'"##;
        let start = Start {
            name: "sed".to_owned(),
            command: ["sh", "-c", answers].map(PathBuf::from).to_vec(),
            environment: Vec::new(),
            folder: folder.path().to_owned(),
        };
        let mut crew = Crew::start(&start, 3).unwrap();
        let template = Template::request("m", "{}", "ok");
        let rate = crew.outstanding(&template, 7, Duration::ZERO).unwrap();
        assert!(rate > 0.0);
        // getmanifest and init came before.
        let asked: Vec<u64> = crew
            .plugins()
            .iter()
            .map(|plugin| plugin.sent - 2)
            .collect();
        assert_eq!(asked, [3, 2, 2]);
        let wrong = Template::request("m", "{}", "no");
        assert!(crew.outstanding(&wrong, 1, Duration::ZERO).is_err());
    }
}
