//! `shutdown`: lightningd ends, or stops this plugin: exit within 30 s.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/shutdown.json`.

use super::Topic;
use serde::Deserialize;

/// The topic `shutdown`: lightningd ends, or stops this plugin: exit within 30 s.
#[derive(Debug)]
pub struct Shutdown;

impl Topic for Shutdown {
    const NAME: &'static str = "shutdown";
    type Payload = ShutdownPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings: nothing.
pub struct ShutdownPayload {}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[r#"{"shutdown":{}}"#];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<Shutdown>(params).expect(params))
            .collect();
        assert_eq!(all, [ShutdownPayload {}]);
    }
}
