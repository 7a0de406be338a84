//! The engine, the same for compiling and for running: a compiled form is bound to it.

use wasmtime::{Config, Engine, OptLevel, WasmBacktraceDetails, WasmFeatures};

/// What a guest's code may use, as (name, in wasmtime, in wasmparser): the inspection
/// and the engine must agree.
///
/// What rustc emits for wasm32-wasip1 (mutable globals, sign extension, saturating
/// conversions, multi-value, bulk memory, reference types), what the linkers of C and
/// Python guests add (extended constants), and SIMD, which C and Python builds use and
/// which is deterministic. Several memories, because wasmtime needs two for the code
/// that it puts between composed components, and panics without.
///
/// Not offered, because no guest toolchain needs it today and each is code in the
/// compiler that hostile input could reach: threads and shared memory (a guest is one
/// thread), GC and `externref`, typed function references, exceptions, tail calls,
/// 64-bit memories, relaxed SIMD (its results depend on the machine). More can be
/// turned on without breaking a guest, less cannot.
macro_rules! features {
    ($($name:ident)*) => {
        /// For wasmtime.
        fn allowed() -> WasmFeatures {
            WasmFeatures::empty() $(| WasmFeatures::$name)*
        }

        /// The same for the inspection, which has its own version of the parser.
        pub(super) fn allowed_by_inspection() -> wasmparser::WasmFeatures {
            wasmparser::WasmFeatures::empty() $(| wasmparser::WasmFeatures::$name)*
        }
    };
}

features! {
    FLOATS MUTABLE_GLOBAL SIGN_EXTENSION SATURATING_FLOAT_TO_INT MULTI_VALUE
    BULK_MEMORY BULK_MEMORY_OPT REFERENCE_TYPES CALL_INDIRECT_OVERLONG
    EXTENDED_CONST SIMD MULTI_MEMORY COMPONENT_MODEL CM_ASYNC
}

/// Everything that decides how code is compiled and run.
fn config() -> Config {
    let mut config = Config::new();

    let allowed = allowed();
    config.wasm_features(allowed, true);
    config.wasm_features(WasmFeatures::all() & !allowed, false);

    // A guest that spins is ended by the epoch; fuel would cost two to three times as
    // much and its determinism is worth nothing here.
    config.epoch_interruption(true);
    // One instance with many calls in flight.
    config.concurrency_support(true);

    // A guest compiles once and runs for months.
    config.cranelift_opt_level(OptLevel::Speed);
    config.parallel_compilation(true);
    // NaN bits may differ between machines: no guest's answer is compared between
    // nodes, and every float operation would pay for it.
    config.cranelift_nan_canonicalization(false);

    // Some twenty guests, each with one instance: memory is mapped when it is needed,
    // data segments copied on write. The pooling allocator would reserve terabytes of
    // address space for nothing.
    config.memory_init_cow(true);

    // Half of what is not code, and nobody reads it: a native debugger's symbols, and
    // tables for unwinders other than the engine's own. A panic of the bridge inside a
    // guest's call is caught before it meets the guest's frames.
    config.debug_symbols(false);
    config.native_unwind_info(false);

    // A trap in a guest shows its author the functions. File and line would be looked up in the
    // guest's own DWARF, in this process, by a reader that follows it as deep and copies as much
    // as it says.
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    // Where in the guest's code an instruction comes from is for lines alone.
    config.generate_address_map(false);
    config
}

/// The engine. Fails only where this machine cannot run compiled WebAssembly at all.
pub fn engine() -> Result<Engine, wasmtime::Error> {
    Engine::new(&config())
}

#[cfg(test)]
mod tests {
    use wasmtime::Module;

    use super::*;

    fn accepts(wat: &str) -> bool {
        let bytes = wat::parse_str(wat).unwrap();
        let by_engine = Module::new(&engine().unwrap(), &bytes).is_ok();
        let by_inspection = wasmparser::Validator::new_with_features(allowed_by_inspection())
            .validate_all(&bytes)
            .is_ok();
        assert_eq!(by_engine, by_inspection, "{wat}");
        by_engine
    }

    #[test]
    fn what_toolchains_emit_is_accepted() {
        for wat in [
            "(module (func (param i32) (result i32 i32) local.get 0 i32.extend8_s local.get 0))",
            "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1))))",
            "(module (table 1 funcref) (func (param f32) (result i32) local.get 0 i32.trunc_sat_f32_s))",
            "(module (func (param v128) (result v128) (i8x16.add (local.get 0) (local.get 0))))",
            "(module (import \"env\" \"b\" (global i32)) (memory 1) (data (offset (i32.add (global.get 0) (i32.const 1))) \"x\"))",
        ] {
            assert!(accepts(wat), "{wat}");
        }
    }

    #[test]
    fn what_no_guest_needs_is_refused() {
        for wat in [
            "(module (memory 1 1 shared))",
            "(module (table 1 externref))",
            "(module (memory i64 1))",
            "(module (type (struct (field i32))))",
            "(module (tag (param i32)))",
            "(module (func $f return_call $f))",
            "(module (func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
            "(module (type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0))))",
        ] {
            assert!(!accepts(wat), "{wat}");
        }
    }

    /// wasmtime puts code of its own, which uses two memories, between components.
    #[test]
    fn components_may_be_composed() {
        let wat = r#"(component
            (component $a
                (core module $m
                    (memory (export "memory") 1)
                    (func (export "f") (param i32 i32) (result i32) local.get 1)
                    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 8))
                (core instance $i (instantiate $m))
                (func (export "f") (param "s" string) (result u32)
                    (canon lift (core func $i "f") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
            (component $b
                (import "f" (func $f (param "s" string) (result u32)))
                (core module $libc (memory (export "memory") 1))
                (core instance $libc (instantiate $libc))
                (core func $lowered (canon lower (func $f) (memory (core memory $libc "memory"))))
                (core module $m
                    (import "x" "f" (func $f (param i32 i32) (result i32)))
                    (func (export "g") (result i32) (call $f (i32.const 0) (i32.const 3))))
                (core instance $i (instantiate $m (with "x" (instance (export "f" (func $lowered))))))
                (func (export "g") (result u32) (canon lift (core func $i "g"))))
            (instance $a (instantiate $a))
            (instance $b (instantiate $b (with "f" (func $a "f"))))
            (export "g" (func $b "g")))"#;
        let bytes = wat::parse_str(wat).unwrap();
        engine().unwrap().precompile_component(&bytes).unwrap();
    }
}
