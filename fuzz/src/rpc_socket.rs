//! What comes back over lightningd's RPC socket.

#[allow(dead_code)]
#[path = "../../host/src/lightningd/rpc_socket/answer.rs"]
mod answer;
#[allow(dead_code)]
#[path = "../../host/src/lightningd/rpc_socket/error.rs"]
mod error;
#[allow(dead_code)]
#[path = "../../host/src/lightningd/rpc_socket/framing.rs"]
mod framing;

use crate::{Cuts, objects_and_arrays};
use answer::Incoming;
use framing::{Frame, Framer};
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Debug, PartialEq, Eq)]
enum Cut {
    Whole(Vec<u8>),
    TooLarge(Option<Vec<u8>>),
}

/// The frames until the end, or until the connection would be given up.
fn frames(limit: usize, pieces: &mut dyn Iterator<Item = &[u8]>) -> (Vec<Cut>, bool) {
    let (mut framer, mut cut) = (Framer::new(limit), Vec::new());
    for piece in pieces {
        let pushed = framer.push(piece, |frame| {
            cut.push(match frame {
                Frame::Whole(bytes) => Cut::Whole(bytes.to_vec()),
                Frame::TooLarge { outline } => Cut::TooLarge(outline.map(<[u8]>::to_vec)),
            });
        });
        let unfinished = framer.unfinished();
        assert!(unfinished <= limit || unfinished == usize::MAX);
        if pushed.is_err() {
            return (cut, true);
        }
    }
    (cut, false)
}

/// The id of an answer, if it is a string that stands there once.
fn only_id(value: &str) -> Option<String> {
    if !value.starts_with('{') {
        return None;
    }
    #[derive(serde::Deserialize)]
    struct Id {
        id: String,
    }
    serde_json::from_str::<Id>(value).ok().map(|Id { id }| id)
}

/// Input: how to cut (one byte), the limit (two bytes), then what lightningd writes.
pub fn rpc_answers(data: &[u8]) {
    let [seed, high, low, stream @ ..] = data else {
        return;
    };
    let limit = usize::from(u16::from_be_bytes([*high, *low]));
    let whole = frames(limit, &mut std::iter::once(stream));
    let (mut cuts, mut rest) = (Cuts::new(*seed), stream);
    let mut pieces = std::iter::from_fn(|| {
        let (piece, after) = cuts.cut(rest);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    });
    let in_pieces = frames(limit, &mut pieces);
    assert_eq!(whole, in_pieces);

    for frame in &whole.0 {
        match frame {
            Cut::Whole(bytes) => {
                assert!(bytes.len() <= limit);
                check_answer(bytes);
            }
            Cut::TooLarge(Some(outline)) => drop(answer::id_of_outline(outline)),
            Cut::TooLarge(None) => {}
        }
    }

    let Some(values) = objects_and_arrays(stream) else {
        return;
    };
    assert!(!whole.1);
    assert_eq!(values.len(), whole.0.len());
    for (value, frame) in values.iter().zip(&whole.0) {
        match frame {
            Cut::Whole(bytes) => assert_eq!(bytes, value.as_bytes()),
            Cut::TooLarge(outline) => {
                assert!(value.len() > limit);
                let Some(outline) = outline else { continue };
                serde_json::from_slice::<&RawValue>(outline).expect("the outline is JSON");
                // A call whose answer was too large must still be found.
                if let Some(id) = only_id(value).filter(|_| value.len() < 500) {
                    assert_eq!(answer::id_of_outline(outline), Some(id));
                }
            }
        }
    }
}

/// Whatever is taken for a result is JSON of that very message, under its id.
fn check_answer(bytes: &[u8]) {
    let Incoming::Answer { id, outcome } = answer::read(bytes) else {
        return;
    };
    let Ok(result) = outcome else { return };
    // Numbers and escapes that a `Value` cannot hold say nothing here.
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        assert_eq!(value["id"], id.as_ref());
        assert!(value.get("error").is_none_or(Value::is_null));
        let read: Value = serde_json::from_str(result.get()).expect("the result is JSON");
        assert_eq!(value["result"], read);
    }
}
