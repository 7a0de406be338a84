//! `deprecated_oneshot`: whether the next request alone may use deprecated APIs.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/deprecated_oneshot.json`.

use super::Topic;
use serde::Deserialize;

/// The topic `deprecated_oneshot`: whether the next request alone may use deprecated APIs.
#[derive(Debug)]
pub struct DeprecatedOneshot;

impl Topic for DeprecatedOneshot {
    const NAME: &'static str = "deprecated_oneshot";
    type Payload = DeprecatedOneshotPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct DeprecatedOneshotPayload {
    /// Whether it may.
    pub deprecated_ok: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[r#"{"deprecated_oneshot":{"deprecated_ok":true}}"#];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<DeprecatedOneshot>(params).expect(params))
            .collect();
        assert!(all[0].deprecated_ok);
    }
}
