//! What a guest that was built with the SDK asks the bridge for.

use std::collections::BTreeSet;
use std::path::Path;

use wasmparser::{Parser, Payload};

/// The functions that a built guest imports of the guest's world, as `interface.function`.
fn imports(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target")
        .join(file);
    let module = std::fs::read(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; scripts/build-guests.sh builds it", path.display()));
    let mut found = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&module) {
        let Payload::ImportSection(section) = payload.unwrap() else {
            continue;
        };
        for import in section.into_imports() {
            let import = import.unwrap();
            let interface = import.module.strip_prefix("cln:guest/");
            let interface = interface.and_then(|rest| rest.split('@').next());
            if let Some(interface) = interface {
                let function = import.name.trim_start_matches("[async-lower]");
                found.insert(format!("{interface}.{function}"));
            }
        }
    }
    found
}

/// The linker leaves out what a guest never calls, so that its imports say what it may do.
#[test]
fn a_guest_imports_what_it_uses_and_nothing_else() {
    let everybody = ["hooks.next", "log.log", "subscription.next"];
    let of = |file| imports(&format!("guests/{file}.wasm"));
    assert_eq!(of("event-log"), everybody.map(String::from).into());
    let mut backup: BTreeSet<String> = everybody.map(String::from).into();
    backup.extend(["kv.get", "kv.set"].map(String::from));
    assert_eq!(of("backup"), backup);
}
