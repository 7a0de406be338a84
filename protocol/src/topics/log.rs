//! `log`: lightningd or a plugin wrote a line into the log. Not part of `*`.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/log.json`.

use super::Topic;
use serde::Deserialize;

/// The topic `log`: lightningd or a plugin wrote a line into the log. Not part of `*`.
#[derive(Debug)]
pub struct Log;

impl Topic for Log {
    const NAME: &'static str = "log";
    type Payload = LogPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct LogPayload {
    /// How bad it is.
    pub level: LogLevel,
    /// When, in seconds since 1970, with nine decimal places.
    pub time: String,
    /// When, such as `2023-01-05T18:27:12.145Z`.
    pub timestamp: String,
    /// Who wrote it, such as `plugin-cln-wasm` or `lightningd`.
    pub source: String,
    /// The line.
    pub log: String,
}

text_enum! {
    /// How bad a line of the log is (`common/status_levels.c`).
    pub enum LogLevel {
        /// Bytes to and from peers.
        Io = "io",
        /// Finest.
        Trace = "trace",
        /// Fine.
        Debug = "debug",
        /// Worth knowing.
        Info = "info",
        /// Something seems wrong.
        Unusual = "unusual",
        /// Something is wrong.
        Broken = "broken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"log":{"level":"info","time":"1795376568.705046824","timestamp":"2026-11-22T19:42:48.705Z","source":"plugin-recorder.py","log":"recorder says info"}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<Log>(params).expect(params))
            .collect();
        assert_eq!(all[0].level, LogLevel::Info);
        assert_eq!(all[0].source, "plugin-recorder.py");
    }
}
