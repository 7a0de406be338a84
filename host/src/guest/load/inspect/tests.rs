use proptest::prelude::*;

use super::super::{samples, wrap::wrap};
use super::*;

fn refusal(bytes: &[u8]) -> String {
    inspect(bytes).unwrap_err().to_string()
}

fn refusal_of(wat: &str) -> String {
    refusal(&wat::parse_str(wat).unwrap())
}

#[test]
fn a_guest_passes_as_module_and_as_component() {
    let module = samples::guest();
    let seen = inspect(&module).unwrap();
    assert_eq!(seen.kind, Kind::CoreModule);
    assert_eq!(seen.exports, ["cln:guest/plugin@0.1.0"]);
    assert!(
        seen.imports.contains(&"cln:guest/rpc@0.1.0".to_owned()),
        "{seen:?}"
    );

    let component = wrap(&module).unwrap();
    let seen = inspect(&component).unwrap();
    assert_eq!(seen.kind, Kind::Component);
    assert_eq!(seen.exports, ["cln:guest/plugin@0.1.0"]);
}

#[test]
fn what_is_not_webassembly_is_named() {
    for (bytes, said) in [
        (&b""[..], "the file is empty"),
        (b"\x7fELF\x02", "not WebAssembly: an ELF file"),
        (b"\x1f\x8b\x08", "not WebAssembly: compressed with gzip"),
        (
            b"(module)",
            "not WebAssembly: a text file, perhaps in WebAssembly's text format",
        ),
        (
            b"#!/bin/sh\nx",
            "not WebAssembly: a text file that begins with `#!/bin/sh`",
        ),
        (
            "äöü".repeat(30).as_bytes(),
            "not WebAssembly: a text file that begins with `äöü",
        ),
        (
            b"\xff\x00\x01",
            "not WebAssembly: it begins with the bytes ff0001",
        ),
        (
            b"\0as",
            "invalid WebAssembly at byte 4: ends within its header",
        ),
        (
            b"\0asm\x02\0\0\0",
            "invalid WebAssembly at byte 4: unknown version 02000000",
        ),
    ] {
        let got = refusal(bytes);
        assert!(got.starts_with(said), "{got}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let module = samples::guest();
    let component = wrap(&module).unwrap();
    // Where the module ends at a section, what is missing is not its end but its world.
    for length in 0..module.len() {
        inspect(&module[..length]).unwrap_err();
    }
    for length in (0..component.len()).step_by(97) {
        inspect(&component[..length]).unwrap_err();
    }
}

#[test]
fn imports_that_are_not_offered_are_named_with_what_is() {
    let said = refusal_of("(module (import \"env\" \"fork\" (func)))");
    assert!(said.starts_with("imports env fork, which is not offered; offered are wasi_snapshot_preview1, cln:guest/hooks@0.1.0, cln:guest/http@0.1.0, "), "{said}");
    let said = refusal_of("(module (import \"wasi_snapshot_preview1\" \"fd_fly\" (func)))");
    assert!(
        said.starts_with(
            "imports fd_fly of wasi_snapshot_preview1, which is not offered; offered are "
        ),
        "{said}"
    );
    assert!(said.contains("args_get"), "{said}");
    let said = refusal_of("(module (import \"wasi_unstable\" \"fd_write\\n\\1b\" (func)))");
    assert!(
        said.starts_with("imports wasi_unstable fd_write\\\\n")
            || said.starts_with("imports wasi_unstable fd_write\\n\\u{1b},"),
        "{said}"
    );

    for (package, said) in [
        (
            "package a:b; interface i { f: func(); } world w { import i; }",
            "imports a:b/i, which is not offered",
        ),
        (
            "package a:b; world w { import f: func(); }",
            "imports f, which is not offered",
        ),
        (
            "package cln:guest@0.1.0; interface rpc { raw: func(); } world w { import rpc; }",
            "imports raw of cln:guest/rpc@0.1.0, which is not offered; offered are call",
        ),
        (
            "package cln:guest@0.2.0; interface log { log: func(); } world w { import log; }",
            "imports cln:guest/log@0.2.0, which is not offered",
        ),
    ] {
        let module = samples::of_world(package, "w");
        let got = refusal(&module);
        // A function of the world itself is an import of `$root`, which only the
        // world's own check can tell.
        assert!(
            got.contains(said)
                || got.starts_with("imports a:b/i f,")
                || got.starts_with("imports cln:guest/log@0.2.0 log,"),
            "{got}"
        );
    }
}

#[test]
fn other_worlds_are_told_what_is_missing() {
    for (package, said) in [
        (
            "package a:b; interface i { f: func(); } world w { export i; }",
            "does not export cln:guest/plugin@0.1.0; it exports a:b/i",
        ),
        (
            "package a:b; world w { }",
            "does not export cln:guest/plugin@0.1.0; it exports nothing",
        ),
        (
            "package cln:guest@0.1.3; interface plugin { hook: async func(); } world w { export plugin; }",
            "does not export check of cln:guest/plugin@0.1.0; it exports hook",
        ),
        (
            "package cln:guest@0.2.0; interface plugin { hook: async func(); } world w { export plugin; }",
            "does not export cln:guest/plugin@0.1.0; it exports cln:guest/plugin@0.2.0",
        ),
    ] {
        let module = samples::of_world(package, "w");
        assert_eq!(refusal(&module), said);
        assert_eq!(refusal(&wrap(&module).unwrap()), said);
    }
}

#[test]
fn a_module_of_no_world_is_told_so() {
    let said = refusal_of("(module (memory (export \"memory\") 1) (func (export \"_start\")))");
    assert!(
        said.contains("not a guest of cln:guest/guest@0.1.0"),
        "{said}"
    );
    assert!(said.ends_with("It is a command (it exports _start) where a guest is a library; it exports memory, _start"), "{said}");
    let mut bytes = wat::parse_str("(module (@custom \"component-type:x\" \"junk\"))").unwrap();
    assert!(refusal(&bytes).starts_with("its component type cannot be read: "));
    bytes = wat::parse_str("(component (type (export \"t\") u8))").unwrap();
    inspect(&bytes).unwrap_err();
}

#[test]
fn bodies_are_validated() {
    let said = refusal_of("(module (func (result i32) (i64.const 0)))");
    assert!(said.starts_with("invalid WebAssembly at byte "), "{said}");
    assert!(said.contains("type mismatch"), "{said}");
}

#[test]
fn bounds_hold() {
    let many = |item: &str, count: u64| format!("(module {})", item.repeat(count as usize));
    for (wat, what) in [
        (
            format!("(module (memory {}))", INITIAL_MEMORY / WASM_PAGE + 1),
            "bytes of initial memory",
        ),
        (
            format!("(module (table {} funcref))", TABLE_ELEMENTS + 1),
            "table elements",
        ),
        (many("(table 0 funcref)", TABLES + 1), "tables"),
        (many("(memory 0)", MEMORIES + 1), "memories"),
        (many("(func)", FUNCTIONS + 1), "functions"),
        (many("(global i32 (i32.const 0))", GLOBALS + 1), "globals"),
        (
            many("(import \"a\" \"b\" (global i32))", NAMES + 1),
            "imports",
        ),
        (many("(data)", SEGMENTS + 1), "data and element segments"),
        (
            format!(
                "(component {})",
                "(core module)".repeat(MODULES as usize + 1)
            ),
            "modules",
        ),
        (
            format!("(component {})", "(component)".repeat(COMPONENTS as usize)),
            "components",
        ),
    ] {
        match inspect(&wat::parse_str(&wat).unwrap()) {
            Err(Refused::TooMany { what: said, .. }) => assert_eq!(said, what),
            other => panic!("{what}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn no_damage_makes_it_panic(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
        let mut bytes = samples::guest();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = validate(&bytes);
        let _ = validate(bytes.split_at(cut.index(bytes.len())).0);
    }
}
