//! Whose channel is it: what `listpeerchannels` says, kept until it is out of date.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use cln_guest::prelude::*;

/// A channel by one of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// Where it is in the chain, or our alias for it.
    Short(ShortChannelId),
    /// As BOLT 2 derives it.
    Long(ChannelId),
}

/// Whose channel it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// This peer's.
    Peer(PublicKey),
    /// Nobody's: lightningd has no such channel and will refuse the forward itself.
    Nobody,
    /// The node cannot be asked, or not again so soon.
    Unknown,
}

/// The members of `listpeerchannels` that are looked at.
const FILTER: &str = r#"{"channels":[{"peer_id":true,"channel_id":true,"short_channel_id":true,"alias":{"local":true}}]}"#;

#[derive(serde::Deserialize)]
struct Listed {
    channels: Vec<Channel>,
}

#[derive(serde::Deserialize)]
struct Channel {
    peer_id: PublicKey,
    channel_id: Option<ChannelId>,
    short_channel_id: Option<ShortChannelId>,
    alias: Option<Alias>,
}

#[derive(serde::Deserialize)]
struct Alias {
    local: Option<ShortChannelId>,
}

/// The channels and their peers. A channel never changes its peer, so that what is
/// known stays true; only a name that is not known makes it ask.
#[derive(Debug, Default)]
pub struct Channels {
    peers: RefCell<BTreeMap<Name, PublicKey>>,
    /// Something has happened since the last answer: there may be more.
    stale: Cell<bool>,
    asked: Cell<Option<SystemTime>>,
    answered: Cell<bool>,
    /// Who waits for the answer that is under way; None when none is.
    waiting: RefCell<Option<Vec<Ticket<()>>>>,
    calls: Cell<u64>,
    failures: Cell<u64>,
}

impl Channels {
    /// There may be new channels.
    pub fn outdate(&self) {
        self.stale.set(true);
    }

    /// How many names are known, how often the node was asked, and how often in vain.
    pub fn counts(&self) -> (usize, u64, u64) {
        (
            self.peers.borrow().len(),
            self.calls.get(),
            self.failures.get(),
        )
    }

    /// Whose channel it is. Asks the node where that is not known, but not within
    /// `pause` of the last time.
    pub async fn owner<S: 'static>(&self, cx: &Cx<S>, name: Name, pause: Duration) -> Owner {
        if let Some(peer) = self.known(name) {
            return Owner::Peer(peer);
        }
        let fresh = self.answered.get() && !self.stale.get();
        if let Some(answer) = self.join() {
            // What was asked before `name` came up may not know it yet, and that is
            // as good as not knowing.
            let _ = answer.await;
        } else if self.may_ask(cx.now(), pause) {
            self.ask(cx).await;
        } else if fresh {
            return Owner::Nobody;
        } else {
            return Owner::Unknown;
        }
        match self.known(name) {
            Some(peer) => Owner::Peer(peer),
            None if self.answered.get() && !self.stale.get() => Owner::Nobody,
            None => Owner::Unknown,
        }
    }

    fn known(&self, name: Name) -> Option<PublicKey> {
        self.peers.borrow().get(&name).copied()
    }

    /// The wait for the answer that is under way, if one is.
    fn join(&self) -> Option<cln_guest::Answer<()>> {
        let mut waiting = self.waiting.borrow_mut();
        let tickets = waiting.as_mut()?;
        let (ticket, answer) = hold();
        tickets.push(ticket);
        Some(answer)
    }

    fn may_ask(&self, now: SystemTime, pause: Duration) -> bool {
        match self.asked.get() {
            // A clock that was set back must not keep us from asking.
            Some(asked) => now
                .duration_since(asked)
                .map_or(true, |passed| passed >= pause),
            None => true,
        }
    }

    async fn ask<S: 'static>(&self, cx: &Cx<S>) {
        *self.waiting.borrow_mut() = Some(Vec::new());
        self.asked.set(Some(cx.now()));
        self.calls.set(self.calls.get() + 1);
        // What happens while the node is asked may not be in its answer.
        self.stale.set(false);
        let listed: Result<Listed, CallError> = cx
            .rpc()
            .with_filter(FILTER)
            .call("listpeerchannels", &())
            .await;
        match listed {
            Ok(Listed { channels }) => {
                *self.peers.borrow_mut() = channels.iter().flat_map(names).collect();
                self.answered.set(true);
            }
            Err(reason) => {
                log::warn!("listpeerchannels: {reason}");
                self.failures.set(self.failures.get() + 1);
                self.answered.set(false);
            }
        }
        for ticket in self.waiting.borrow_mut().take().unwrap_or_default() {
            // Whoever waits no more does not want to know.
            let _ = ticket.settle(());
        }
    }
}

fn names(channel: &Channel) -> impl Iterator<Item = (Name, PublicKey)> + use<> {
    let peer = channel.peer_id;
    let alias = channel.alias.as_ref().and_then(|alias| alias.local);
    [
        channel.channel_id.map(Name::Long),
        channel.short_channel_id.map(Name::Short),
        alias.map(Name::Short),
    ]
    .into_iter()
    .flatten()
    .map(move |name| (name, peer))
}
