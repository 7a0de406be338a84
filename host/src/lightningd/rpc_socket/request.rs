//! One request as lightningd reads it.

use cln_protocol::plain::{Names, check};
use serde_json::value::RawValue;

use super::error::{RpcSocketError, Side};

/// The bytes of a request, checked: `id` and `method` escaped, `params` and `filter`
/// as they are.
///
/// lightningd wants all of `jsonrpc`, `id`, `method` and `params` (`parse_request` in
/// `lightningd/jsonrpc.c`), and closes the connection on what it cannot parse, which
/// would cost every other call on it: so nothing unchecked is sent.
pub(super) fn encode(
    id: &str,
    method: &str,
    params: &str,
    filter: Option<&str>,
    limit: usize,
) -> Result<Vec<u8>, RpcSocketError> {
    if method.is_empty() {
        return Err(malformed("the method has no name"));
    }
    let size = [id, method, params, filter.unwrap_or_default()]
        .iter()
        .map(|part| part.len())
        .fold(0, usize::saturating_add);
    let too_large = RpcSocketError::TooLarge {
        side: Side::Request,
        limit,
    };
    if size > limit {
        return Err(too_large);
    }
    let params = checked(
        "params",
        params,
        b"[{",
        "a JSON array or object",
        Names::Once,
    )?;
    let filter = filter
        .map(|filter| checked("filter", filter, b"{", "a JSON object", Names::Any))
        .transpose()?;

    let mut text = Vec::with_capacity(size + 64);
    text.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    string(&mut text, id)?;
    text.extend_from_slice(b",\"method\":");
    string(&mut text, method)?;
    if let Some(filter) = filter {
        text.extend_from_slice(b",\"filter\":");
        text.extend_from_slice(filter.get().as_bytes());
    }
    text.extend_from_slice(b",\"params\":");
    text.extend_from_slice(params.get().as_bytes());
    text.extend_from_slice(b"}\n\n");
    if text.len() > limit {
        return Err(too_large);
    }
    Ok(text)
}

fn string(text: &mut Vec<u8>, value: &str) -> Result<(), RpcSocketError> {
    serde_json::to_writer(text, value).map_err(|error| malformed(error.to_string()))
}

fn checked<'a>(
    what: &str,
    text: &'a str,
    starts: &[u8],
    shape: &str,
    names: Names,
) -> Result<&'a RawValue, RpcSocketError> {
    let value: &RawValue = serde_json::from_str(text)
        .map_err(|error| malformed(format!("{what} is not JSON: {error}")))?;
    match value.get().as_bytes().first() {
        Some(first) if starts.contains(first) => {}
        _ => return Err(malformed(format!("{what} is not {shape}"))),
    }
    check(value.get(), names).map_err(|error| malformed(format!("{what} {error}")))?;
    Ok(value)
}

fn malformed(why: impl Into<String>) -> RpcSocketError {
    RpcSocketError::Malformed { why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_LIMIT: usize = usize::MAX;

    #[test]
    fn params_and_filter_go_verbatim_and_names_escaped() {
        let bytes = encode(
            "a\"\n",
            "m\\",
            " [ 1.0 , \"\\u00fc\"] ",
            Some("{\"x\" :true}"),
            NO_LIMIT,
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "{\"jsonrpc\":\"2.0\",\"id\":\"a\\\"\\n\",\"method\":\"m\\\\\",\"filter\":{\"x\" :true},\"params\":[ 1.0 , \"\\u00fc\"]}\n\n"
        );
    }

    #[test]
    fn what_lightningd_would_close_the_connection_over_is_refused() {
        for (method, params, filter) in [
            ("", "{}", None),
            ("m", "", None),
            ("m", "{", None),
            ("m", "{}}", None),
            ("m", "{},\"x\":{}", None),
            ("m", "\"text\"", None),
            ("m", "null", None),
            ("m", "[1,]", None),
            ("m", "{}", Some("[]")),
            ("m", "{}", Some("true")),
            ("m", r#"{"a":1,"a":2}"#, None),
            ("m", r#"["\ud800"]"#, None),
            ("m", "{}", Some(r#"{"a":1e999}"#)),
            ("m", "{}", Some("{}{")),
        ] {
            assert!(
                matches!(
                    encode("1", method, params, filter, NO_LIMIT),
                    Err(RpcSocketError::Malformed { .. })
                ),
                "{method} {params} {filter:?}"
            );
        }
    }

    #[test]
    fn nesting_is_limited_and_brackets_in_strings_do_not_count() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(encode("1", "m", &nested(100), None, NO_LIMIT).is_ok());
        for depth in [101, 500_000] {
            assert!(matches!(
                encode("1", "m", &nested(depth), None, NO_LIMIT),
                Err(RpcSocketError::Malformed { .. })
            ));
        }
        let in_string = format!("[\"\\\"{}\"]", "[".repeat(500));
        assert!(encode("1", "m", &in_string, None, NO_LIMIT).is_ok());
    }

    #[test]
    fn the_limit_is_on_the_whole_message() {
        let size = encode("1", "m", "{}", None, NO_LIMIT).unwrap().len();
        assert!(encode("1", "m", "{}", None, size).is_ok());
        for limit in [0, size - 1] {
            assert!(matches!(
                encode("1", "m", "{}", None, limit),
                Err(RpcSocketError::TooLarge { side: Side::Request, limit: said }) if said == limit
            ));
        }
    }
}
