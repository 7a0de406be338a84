//! `plugin_started`: a plugin has started.
//!
//! `lightningd/notification.c`, `doc/schemas/notification/plugin_started.json`.

use super::Topic;
use serde::Deserialize;

/// The topic `plugin_started`: a plugin has started.
#[derive(Debug)]
pub struct PluginStarted;

impl Topic for PluginStarted {
    const NAME: &'static str = "plugin_started";
    type Payload = PluginStartedPayload;
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
/// What the topic brings.
pub struct PluginStartedPayload {
    /// The plugin's file name.
    pub plugin_name: String,
    /// Its path.
    pub plugin_path: String,
    /// The methods that it has.
    pub methods: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a v26.06.6 node sent: one message of each shape, long texts shortened.
    const RECORDED: &[&str] = &[
        r#"{"plugin_started":{"plugin_name":"recover","plugin_path":"/usr/local/libexec/c-lightning/plugins/recover","methods":[]}}"#,
        r#"{"plugin_started":{"plugin_name":"recorder-dynamic.py","plugin_path":"/home/user/.lightning/plugins/recorder-dynamic.py","methods":["recdyn-echo","recdyn-slow"]}}"#,
    ];

    #[test]
    fn reads_what_was_recorded() {
        let all: Vec<_> = RECORDED
            .iter()
            .map(|params| super::super::payload::<PluginStarted>(params).expect(params))
            .collect();
        assert!(all[0].plugin_path.ends_with(&all[0].plugin_name));
        assert!(all.iter().any(|p| !p.methods.is_empty()));
    }
}
