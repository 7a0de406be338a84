//! `plugin_stopped`: a plugin is gone.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/plugin_stopped.json`.

use super::Topic;
use serde::Deserialize;

/// The topic `plugin_stopped`: a plugin is gone.
#[derive(Debug)]
pub struct PluginStopped;

impl Topic for PluginStopped {
    const NAME: &'static str = "plugin_stopped";
    type Payload = PluginStoppedPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct PluginStoppedPayload {
    /// The plugin's file name.
    pub plugin_name: String,
    /// Its path.
    pub plugin_path: String,
    /// The methods that it had.
    pub methods: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"plugin_stopped":{"plugin_name":"recorder-log.py","plugin_path":"/home/user/.lightning/plugins/recorder-log.py","methods":[]}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<PluginStopped>(params).expect(params))
            .collect();
        assert!(all[0].plugin_path.ends_with(&all[0].plugin_name));
    }
}
