//! What went wrong on the way, in words for a guest's author and its operator.

use std::error::Error;

use crate::guest::bindings::cln::guest::http::Failure;

/// The longest text; a server may have a say in it.
const LONGEST: usize = 400;
/// hyper's words for an answer whose headers do not end.
const TOO_LARGE: &str = "message head is too large";

/// Neither the URL nor a header is in the text.
pub(super) fn of(error: reqwest::Error, host: &str) -> Failure {
    let error = error.without_url();
    let mut text = String::new();
    // The outermost says only that a request was sent.
    let mut link: Option<&dyn Error> = error.source().or(Some(&error));
    while let Some(current) = link {
        let word = current.to_string();
        if !text.contains(&word) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&word);
        }
        link = current.source();
    }
    if text.contains(TOO_LARGE) {
        return Failure::Limit(format!("headers of the answer of {host}: {TOO_LARGE}"));
    }
    text.truncate(text.floor_char_boundary(LONGEST));
    Failure::Unavailable(format!("{host}: {text}"))
}
