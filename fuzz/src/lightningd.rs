//! Messages from lightningd's pipe.

#[allow(dead_code)]
#[path = "../../host/src/lightningd/framing.rs"]
mod framing;
#[allow(dead_code)]
#[path = "../../host/src/lightningd/message.rs"]
mod message;

use crate::bridge::withhold::Withheld;
use crate::{Cuts, objects_and_arrays};
use cln_protocol::hook::Place;
use framing::Framer;
use message::{Malformed, Message};
use std::sync::Arc;

/// A message, comparable.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    id: Option<String>,
    method: Option<Arc<str>>,
    params: Option<String>,
    filter: Option<String>,
    origin: Option<String>,
}

/// What the first guest on any hook is not shown.
fn withheld() -> Withheld {
    let mut withheld = Withheld::default();
    withheld.add(
        "secret",
        ["/onion/shared_secret", "/a", "/x"].map(Place::Member),
    );
    withheld
}

fn seen(message: Message, withheld: &Withheld) -> Seen {
    if let (Some(shown), Some(params)) = (&message.shown, &message.params) {
        assert_eq!(withheld.from(params).as_deref(), Ok(&**shown));
    }
    Seen {
        id: message.id.map(|id| id.token().to_owned()),
        method: message.method,
        params: message.params.map(|p| p.to_string()),
        filter: message.filter.map(|f| f.to_string()),
        origin: message.origin,
    }
}

type Read = Result<Seen, Malformed>;

fn take(framer: &mut Framer, into: &mut Vec<Read>) {
    let withheld = withheld();
    while let Some(read) = framer.next_message(&|_| Some(&withheld)) {
        into.push(read.map(|message| seen(message, &withheld)));
    }
}

fn messages(reads: &[Read]) -> Vec<&Seen> {
    reads.iter().filter_map(|read| read.as_ref().ok()).collect()
}

/// Input: how to cut (one byte), then what lightningd writes.
pub fn framing(data: &[u8]) {
    let Some((seed, stream)) = data.split_first() else {
        return;
    };
    let (mut framer, mut whole) = (Framer::default(), Vec::new());
    framer.push(stream);
    take(&mut framer, &mut whole);
    let left = framer.pending();

    // The same messages however the reads cut them, by either way into the buffer.
    let (mut framer, mut pieces) = (Framer::default(), Vec::new());
    let (mut cuts, mut rest) = (Cuts::new(*seed), stream);
    while !rest.is_empty() {
        let (piece, after) = cuts.cut(rest);
        rest = after;
        match seed % 2 {
            0 => framer.push(piece),
            _ => framer.space().extend_from_slice(piece),
        }
        take(&mut framer, &mut pieces);
    }
    assert_eq!(messages(&whole), messages(&pieces));
    assert_eq!(left, framer.pending());

    for read in &whole {
        let Ok(message) = read else { continue };
        for json in [&message.id, &message.params, &message.filter]
            .into_iter()
            .flatten()
        {
            assert!(serde_json::from_str::<&serde_json::value::RawValue>(json).is_ok());
        }
    }

    // Where the stream is nothing but values, serde_json says what they are.
    if let Some(values) = objects_and_arrays(stream) {
        let withheld = withheld();
        let expected: Vec<Read> = values
            .iter()
            .map(|value| Message::parse(value.as_bytes(), &|_| None))
            .map(|read| read.map(|message| seen(message, &withheld)))
            .collect();
        assert_eq!(messages(&whole), messages(&expected));
        assert_eq!(whole.len(), expected.len(), "one word for each value");
        assert_eq!(left, 0);
    }
}
