//! What one message of a plugin is, by a look at its ends.

use memchr::memmem;

/// Is it a log line, and no answer?
pub fn is_log(frame: &[u8]) -> bool {
    let head = frame.get(..64).unwrap_or(frame);
    let method = memmem::find(head, b"\"method\"");
    method.is_some()
}

/// N of the id `"cln:METHOD#N"`: some write it first, some last.
pub fn number(frame: &[u8]) -> Option<u64> {
    let head = frame.get(..128).unwrap_or(frame);
    let tail = frame
        .get(frame.len().saturating_sub(128)..)
        .unwrap_or(frame);
    for part in [head, tail] {
        if let Some(at) = memmem::find(part, b"\"cln:")
            && let Some(hash) = memchr::memchr(b'#', part.get(at..)?)
        {
            let digits = part.get(at + hash + 1..)?;
            let end = memchr::memchr(b'"', digits)?;
            return std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_an_answer_is_found_wherever_the_id_stands() {
        let first = br#"{"jsonrpc":"2.0","id":"cln:a#17","result":{"result":"continue"}}"#;
        assert_eq!(number(first), Some(17));
        let mut last = br#"{"jsonrpc":"2.0","result":""#.to_vec();
        last.extend(vec![b'x'; 1000]);
        last.extend(br#"","id":"cln:a-b#18"}"#);
        assert_eq!(number(&last), Some(18));
        assert_eq!(number(br#"{"jsonrpc":"2.0","id":7,"result":{}}"#), None);
    }

    #[test]
    fn log_lines_are_no_answers() {
        assert!(is_log(
            br#"{"jsonrpc":"2.0","method":"log","params":{"level":"info","message":"x"}}"#
        ));
        assert!(!is_log(br#"{"jsonrpc":"2.0","id":"cln:a#1","result":{}}"#));
    }
}
