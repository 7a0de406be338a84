//! `rpc_command` (`lightningd/jsonrpc.c:rpc_command_hook_callback`).

use super::{Fold, Judged, Step};
use crate::simulator::json::{Doc, Json};
use crate::simulator::values::to_u64;
use serde_json::{Value, json};

/// What is done in place of the command. The texts are as the plugin sent them.
#[derive(Clone, Debug)]
pub(crate) enum Custom {
    /// The caller gets this result. A string arrives without its quotes, as lightningd sends it.
    Result(String),
    /// The caller gets this error.
    Error(String),
    /// This request is carried out.
    Replace(Doc),
}

impl Custom {
    pub(super) fn as_answer(&self) -> Value {
        let value = |text: &str| {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
        };
        match self {
            Self::Result(text) => json!({"return": {"result": value(text)}}),
            Self::Error(text) => json!({"return": {"error": value(text)}}),
            Self::Replace(doc) => json!({"replace": value(doc.root().full())}),
        }
    }
}

pub(super) fn answer(fold: &mut Fold, result: Json<'_>) -> Judged {
    if let Some(word) = result.get("result") {
        return match word.is_str("continue") {
            true => Ok(Step::Next),
            false => skip(fold, "'result' should only be 'continue'."),
        };
    }
    if fold.custom.is_some() {
        return Err(
            "rpc_command hook already modified, ignoring; and then the command is freed twice"
                .to_owned(),
        );
    }
    if let Some(request) = result.get("replace") {
        fold.custom = Doc::parse(request.full()).map(Custom::Replace);
        return Ok(Step::Next);
    }
    if let Some(given) = result.get("return") {
        if let Some(value) = given.get("result") {
            fold.custom = Some(Custom::Result(value.text().to_owned()));
            return Ok(Step::Next);
        }
        if let Some(error) = given.get("error") {
            // lightningd reads code and message without looking whether they are there.
            let Some(code) = error.get("code") else {
                return Err("return.error has no code".to_owned());
            };
            if !is_errcode(code) {
                return skip(fold, "'error' object does not contain a code.");
            }
            if error.get("message").is_none() {
                return Err("return.error has no message".to_owned());
            }
            fold.custom = Some(Custom::Error(error.text().to_owned()));
            return Ok(Step::Next);
        }
    }
    skip(fold, "")
}

fn is_errcode(code: Json<'_>) -> bool {
    let text = code.text();
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    to_u64(magnitude).is_some_and(|n| n <= i32::MAX as u64)
}

fn skip(fold: &mut Fold, why: &str) -> Judged {
    fold.remarks.push((
        "broken",
        format!("Bad response to 'rpc_command' hook. {why}"),
    ));
    Ok(Step::Next)
}

#[cfg(test)]
mod tests {
    use super::super::tests::fold;
    use serde_json::json;

    #[test]
    fn one_change_passes_a_second_is_fatal() {
        let go_on = json!({"result": "continue"});
        let result = json!({"return": {"result": {"a": [1, "x"]}}});
        let error = json!({"return": {"error": {"code": -3, "message": "no"}}});
        let replace = json!({"replace": {"jsonrpc": "2.0", "id": 1, "method": "m", "params": []}});
        for change in [&result, &error, &replace] {
            let out = fold(
                "rpc_command",
                json!({}),
                &[go_on.clone(), change.clone(), go_on.clone()],
            );
            assert_eq!(out.as_ref(), Ok(change));
            for second in [&result, &error, &replace, &json!({"unknown": 1})] {
                let both = [change.clone(), second.clone()];
                assert!(
                    fold("rpc_command", json!({}), &both).is_err(),
                    "{change} {second}"
                );
            }
        }
    }

    #[test]
    fn malformed_answers_are_logged_and_skipped() {
        for answer in [
            json!({"result": "banana"}),
            json!({}),
            json!({"return": {}}),
            json!({"return": {"error": {"code": "x", "message": "no"}}}),
            json!(null),
        ] {
            let out = fold("rpc_command", json!({}), &[answer]);
            assert_eq!(out, Ok(json!({"result": "continue"})));
        }
    }
}
