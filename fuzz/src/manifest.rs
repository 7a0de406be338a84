//! A guest's manifest.

use cln_protocol::manifest::Manifest;
use cln_wasm_tests::simulator::judge_manifest;

/// Input: the manifest.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let read = match Manifest::parse(text) {
        Ok(read) => read,
        Err(refusal) => {
            let line = refusal.to_string();
            assert!(
                !line.is_empty() && line.len() < 4096,
                "{} bytes",
                line.len()
            );
            assert!(!line.chars().any(char::is_control), "{line:?}");
            return;
        }
    };
    for name in &read.unknown {
        assert!(!name.chars().any(char::is_control), "{name:?}");
    }

    // What was taken is the same when it is read again.
    if read.disable.is_none() {
        let again = Manifest::parse(&read.to_json()).expect("a manifest that was taken");
        let known = Manifest {
            unknown: Vec::new(),
            nonnumericids: Some(true),
            ..read.clone()
        };
        assert_eq!(again, known);
    }

    // And lightningd takes it, wherever it stands on deprecated interfaces.
    let response = format!(
        r#"{{"jsonrpc":"2.0","id":"1","result":{}}}"#,
        read.to_lightningd()
    );
    for allow_deprecated in [false, true] {
        if let Err(why) = judge_manifest(&response, allow_deprecated) {
            panic!("{why}: {response}");
        }
    }
}
