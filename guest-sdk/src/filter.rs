//! The `filter` of a JSON-RPC request: which members of the result to return.
//!
//! lightningd passes a filter on to the plugin that owns the method and leaves it
//! to that plugin (`common/json_filter.c` is what it does for its own commands).

use cln_protocol::json;
use serde_json::value::RawValue;

use crate::error::RpcError;
use crate::members::Members;

/// A filter nested deeper than this is refused: it is walked by recursion.
const DEPTH: usize = 64;

/// A parsed filter.
#[derive(Debug, PartialEq)]
enum Filter {
    /// All of it.
    All,
    /// An array, each element filtered.
    Array(Box<Filter>),
    /// An object, reduced to these members.
    Object(Vec<(String, Filter)>),
}

impl Filter {
    fn parse(text: &str, depth: usize) -> Result<Filter, RpcError> {
        let bad = |what: &str| {
            RpcError::invalid_params(format!("filter: {what}: invalid token '{text}'"))
        };
        if depth > DEPTH {
            return Err(RpcError::invalid_params(format!(
                "filter: nested deeper than {DEPTH}"
            )));
        }
        match text.as_bytes().first() {
            Some(b'{') => {
                let Members(members) =
                    json::from_str(text).map_err(|error| bad(&error.to_string()))?;
                if members.is_empty() {
                    return Ok(Filter::All);
                }
                let members = members
                    .into_iter()
                    .map(|(name, value)| Ok((name, Filter::parse(value.get(), depth + 1)?)))
                    .collect::<Result<_, RpcError>>()?;
                Ok(Filter::Object(members))
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> =
                    json::from_str(text).map_err(|error| bad(&error.to_string()))?;
                match elements.as_slice() {
                    [element] => Ok(Filter::Array(Box::new(Filter::parse(
                        element.get(),
                        depth + 1,
                    )?))),
                    _ => Err(bad("Arrays can only have one element")),
                }
            }
            _ if text == "true" => Ok(Filter::All),
            _ => Err(bad("value must be true")),
        }
    }

    /// Writes what the filter leaves of `value`, or nothing and false: a value of
    /// the wrong shape is left out, and `misused` says where that was.
    fn write(
        &self,
        value: &str,
        path: &str,
        misused: &mut Option<String>,
        out: &mut String,
    ) -> bool {
        let value = value.trim();
        match (self, value.as_bytes().first()) {
            (Filter::Array(element), Some(b'[')) => {
                let Ok(values) = json::from_str::<Vec<&RawValue>>(value) else {
                    return false;
                };
                out.push('[');
                let mut first = true;
                for value in values {
                    let before = out.len();
                    if !first {
                        out.push(',');
                    }
                    if element.write(value.get(), &format!("{path}[]"), misused, out) {
                        first = false;
                    } else {
                        out.truncate(before);
                    }
                }
                out.push(']');
                true
            }
            (Filter::Object(wanted), Some(b'{')) => {
                let Ok(Members(members)) = json::from_str(value) else {
                    return false;
                };
                out.push('{');
                let mut first = true;
                for (name, value) in members {
                    let Some((_, filter)) = wanted.iter().find(|(wanted, _)| *wanted == name)
                    else {
                        continue;
                    };
                    let before = out.len();
                    if !first {
                        out.push(',');
                    }
                    push_string(out, &name);
                    out.push(':');
                    if filter.write(value.get(), &format!("{path}.{name}"), misused, out) {
                        first = false;
                    } else {
                        out.truncate(before);
                    }
                }
                out.push('}');
                true
            }
            (Filter::Array(_), Some(b'{')) => {
                misused.get_or_insert_with(|| format!("{path} is an object"));
                false
            }
            (Filter::Object(_), Some(b'[')) => {
                misused.get_or_insert_with(|| format!("{path} is an array"));
                false
            }
            // A plain value has no members to leave out.
            _ => {
                out.push_str(value);
                true
            }
        }
    }
}

fn push_string(out: &mut String, text: &str) {
    match json::to_string(text) {
        Ok(quoted) => out.push_str(&quoted),
        // Writing a string into memory does not fail.
        Err(_) => out.push_str("\"\""),
    }
}

/// Applies the client's `filter` to a method's result, both JSON text. An object
/// takes a member `warning_parameter_filter` where the filter does not fit it.
///
/// Errors: −32602 where the filter itself is none.
pub(crate) fn apply(filter: &str, result: &str) -> Result<String, RpcError> {
    let filter = filter.trim();
    if !filter.starts_with('{') {
        return Err(RpcError::invalid_params(format!(
            "filter: Expected object: invalid token '{filter}'"
        )));
    }
    let filter = Filter::parse(filter, 0)?;
    let mut misused = None;
    let mut out = String::with_capacity(result.len());
    if !filter.write(result, "", &mut misused, &mut out) {
        // Only an object can hold the warning, and an object is what lightningd's own results are.
        out.clear();
        out.push_str("{}");
    }
    if let Some(misused) = misused
        && out.pop() == Some('}')
    {
        if !out.ends_with('{') {
            out.push(',');
        }
        out.push_str("\"warning_parameter_filter\":");
        push_string(&mut out, &misused);
        out.push('}');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEERS: &str =
        r#"{"peers":[{"id":"02aa","num_channels":2,"log":[{"a":1}]},{"id":"03bb"}],"n":1}"#;

    fn applied(filter: &str) -> String {
        apply(filter, PEERS).unwrap()
    }

    #[test]
    fn keeps_what_is_named_in_the_order_of_the_result() {
        assert_eq!(
            applied(r#"{"n":true,"peers":[{"num_channels":true,"id":true}]}"#),
            r#"{"peers":[{"id":"02aa","num_channels":2},{"id":"03bb"}],"n":1}"#
        );
        assert_eq!(
            applied(r#"{"peers":[{"log":[{"a":true}]}]}"#),
            r#"{"peers":[{"log":[{"a":1}]},{}]}"#
        );
    }

    #[test]
    fn true_and_an_empty_object_take_all() {
        assert_eq!(applied("{}"), PEERS);
        assert_eq!(
            applied(r#"{"peers":true}"#),
            r#"{"peers":[{"id":"02aa","num_channels":2,"log":[{"a":1}]},{"id":"03bb"}]}"#
        );
    }

    #[test]
    fn says_where_the_filter_does_not_fit() {
        assert_eq!(
            applied(r#"{"n":true,"peers":{"id":true}}"#),
            r#"{"n":1,"warning_parameter_filter":".peers is an array"}"#
        );
        assert_eq!(
            applied(r#"{"peers":[[true]]}"#),
            r#"{"peers":[],"warning_parameter_filter":".peers[] is an object"}"#
        );
    }

    #[test]
    fn refuses_a_filter_that_would_exhaust_the_stack() {
        let deep = format!("{}true{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        let error = apply(&deep, PEERS).unwrap_err();
        assert_eq!(error.message, "filter: nested deeper than 64");
    }

    #[test]
    fn refuses_what_is_no_filter() {
        for (filter, message) in [
            ("[true]", "filter: Expected object: invalid token '[true]'"),
            (
                r#"{"a":false}"#,
                "filter: value must be true: invalid token 'false'",
            ),
            (
                r#"{"a":[]}"#,
                "filter: Arrays can only have one element: invalid token '[]'",
            ),
        ] {
            let error = apply(filter, PEERS).unwrap_err();
            assert_eq!(error, RpcError::new(-32602, message));
        }
    }
}
