//! The compiling child as it really is: this program, under its limits.

use std::time::Duration;

use cln_wasm::guest::load::{
    compile::{CHILD_ARGUMENT, CompileError, Compiler, Limits},
    engine::engine,
    wrap::prepare,
};
use wit_component::StringEncoding;
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

const LIMITS: Limits = Limits {
    address_space: 2 << 30,
    cpu_seconds: 60,
    wall: Duration::from_secs(120),
    artifact: 1 << 30,
};

fn compiler() -> Compiler {
    Compiler::with_command(
        env!("CARGO_BIN_EXE_cln-wasm").into(),
        vec![CHILD_ARGUMENT.into()],
    )
}

/// A module with all imports and exports of the guest's world, and more code.
fn guest(more: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = include_str!("../../wit/v0.1/guest.wit");
    let package = resolve.push_source("guest.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let dummy = wit_component::dummy_module(
        &resolve,
        world,
        ManglingAndAbi::Legacy(LiftLowerAbi::AsyncCallback),
    );
    let mut module = append_functions(&dummy, more);
    wit_component::embed_component_metadata(
        &mut module,
        &resolve,
        world,
        StringEncoding::UTF8,
        false,
    )
    .unwrap();
    module
}

/// Puts `more`, functions of type `(func)` in text, behind those of a module.
fn append_functions(module: &[u8], more: &str) -> Vec<u8> {
    use wasmparser::{Parser, Payload};

    if more.is_empty() {
        return module.to_vec();
    }
    let extra = wat::parse_str(format!("(module (type (func)) {more})")).unwrap();
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(&extra) {
        if let Payload::CodeSectionEntry(body) = payload.unwrap() {
            bodies.push(body.as_bytes().to_vec());
        }
    }
    let mut out = module.split_at(8).0.to_vec();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.unwrap();
        let Some((id, range)) = payload.as_section() else {
            continue;
        };
        let range = range.start as usize..range.end as usize;
        let old = &module[range];
        let section = match &payload {
            Payload::TypeSection(types) => {
                // The type that the functions have comes last.
                let mut section = leb(types.count() + 1);
                section.extend_from_slice(&old[leb(types.count()).len()..]);
                section.extend_from_slice(&[0x60, 0, 0]);
                section
            }
            Payload::FunctionSection(functions) => {
                let mut section = leb(functions.count() + bodies.len() as u32);
                section.extend_from_slice(&old[leb(functions.count()).len()..]);
                let types = Parser::new(0)
                    .parse_all(module)
                    .find_map(|payload| match payload.unwrap() {
                        Payload::TypeSection(types) => Some(types.count()),
                        _ => None,
                    })
                    .unwrap();
                for _ in &bodies {
                    section.extend(leb(types));
                }
                section
            }
            Payload::CodeSectionStart { count, .. } => {
                let mut section = leb(count + bodies.len() as u32);
                section.extend_from_slice(&old[leb(*count).len()..]);
                for body in &bodies {
                    section.extend(leb(body.len() as u32));
                    section.extend_from_slice(body);
                }
                section
            }
            _ => old.to_vec(),
        };
        out.push(id);
        out.extend(leb(section.len() as u32));
        out.extend(section);
    }
    out
}

fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// One function of a million instructions, whose values live all the way.
fn bomb() -> Vec<u8> {
    let locals = 500;
    let rounds = 1000;
    let mut body = format!("(func (local{})", " i64".repeat(locals));
    for round in 0..rounds {
        for local in (0..locals).step_by(7) {
            let (from, other) = ((local + round) % locals, (local * 31 + round * 17) % locals);
            body.push_str(&format!(
                "(local.set {local} (i64.rotl (i64.add (local.get {from}) (local.get {other})) (i64.const {round})))"
            ));
            if local % 49 == 0 {
                body.push_str(&format!("(if (i64.eqz (local.get {other})) (then (local.set {from} (i64.const {local}))))"));
            }
        }
    }
    body.push(')');
    guest(&body)
}

#[tokio::test]
async fn a_module_and_its_component_compile_to_what_the_engine_runs() {
    let engine = engine().unwrap();
    let module = guest("");
    let artifact = compiler().compile(&module, LIMITS).await.unwrap();
    artifact.component(&engine).unwrap();

    let component = prepare(&module).unwrap();
    let same = compiler().compile(&component, LIMITS).await.unwrap();
    assert!(same.bytes().is_some() && same.bytes() == artifact.bytes());
    assert!(engine.precompile_component(&component).ok().as_deref() == artifact.bytes());
}

#[tokio::test]
async fn what_is_no_guest_is_refused_with_the_reason() {
    for (bytes, said) in [
        (&b"#!/bin/sh\n"[..], "not WebAssembly: a text file"),
        (b"", "the file is empty"),
        (
            b"\0asm\x01\0\0\0",
            "a core module without `component-type` section",
        ),
        (&guest("")[..1000], "invalid WebAssembly at byte "),
    ] {
        match compiler().compile(bytes, LIMITS).await {
            Err(CompileError::Refused(why)) => assert!(why.starts_with(said), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn processor_time_is_limited() {
    let limits = Limits {
        cpu_seconds: 1,
        ..LIMITS
    };
    assert_eq!(
        compiler().compile(&bomb(), limits).await.unwrap_err(),
        CompileError::Cpu { seconds: 1 }
    );
}

#[tokio::test]
async fn time_is_limited() {
    let limits = Limits {
        wall: Duration::from_millis(100),
        ..LIMITS
    };
    assert_eq!(
        compiler().compile(&bomb(), limits).await.unwrap_err(),
        CompileError::Wall { limit: limits.wall }
    );
}

#[tokio::test]
async fn memory_is_limited() {
    // Enough for the program itself; then not for the module, and not for compiling it.
    for (address_space, module) in [(96 << 20, vec![0; 64 << 20]), (256 << 20, bomb())] {
        let limits = Limits {
            address_space,
            ..LIMITS
        };
        match compiler().compile(&module, limits).await {
            Err(CompileError::Died { how, said, .. }) => {
                println!("{how}: {said}");
                assert!(!how.contains("exit status: 0"), "{how}");
            }
            Err(CompileError::Refused(why)) => assert!(why.contains("memory"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn damage_costs_the_child_at_most() {
    let engine = engine().unwrap();
    let compiler = compiler();
    let good = guest("");
    let mut ends = [0, 0, 0];
    for step in 0..60 {
        let mut bad = good.clone();
        let at = 8 + step * (good.len() - 8) / 60;
        bad[at] ^= 1 << (step % 8);
        let end = match compiler.compile(&bad, LIMITS).await {
            Ok(artifact) => {
                artifact.component(&engine).unwrap();
                0
            }
            Err(CompileError::Refused(_)) => 1,
            Err(CompileError::Died { .. }) => 2,
            Err(other) => panic!("{other:?}"),
        };
        ends[end] += 1;
    }
    assert!(ends[1] > 0, "{ends:?}");
}
