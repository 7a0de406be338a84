//! `warning`: a line of level `unusual` or `broken` was written into the log.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/warning.json`.

use super::Topic;
use serde::Deserialize;

/// The topic `warning`: a line of level `unusual` or `broken` was written into the log.
#[derive(Debug)]
pub struct Warning;

impl Topic for Warning {
    const NAME: &'static str = "warning";
    type Payload = WarningPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct WarningPayload {
    /// How bad it is.
    pub level: WarningLevel,
    /// When, in seconds since 1970, with nine decimal places.
    pub time: String,
    /// When, such as `2023-01-05T18:27:12.145Z`. From v24.02.
    pub timestamp: Option<String>,
    /// Who wrote it.
    pub source: String,
    /// The line.
    pub log: String,
}

text_enum! {
    /// How bad a warning is.
    pub enum WarningLevel {
        /// Something seems wrong: `unusual` in the log.
        Warn = "warn",
        /// Something is wrong: `broken` in the log.
        Error = "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"warning":{"level":"warn","time":"1795376551.915464913","timestamp":"2026-11-22T19:42:31.915Z","source":"chan#1","log":"Ignoring fee limits!"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<Warning>(params).expect(params))
            .collect();
        assert_eq!(all[0].level, WarningLevel::Warn);
        assert!(all[0].timestamp.is_some());
    }
}
