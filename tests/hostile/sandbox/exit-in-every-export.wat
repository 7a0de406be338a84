;; Every call of anything ends the program, with success.
;;! "expect": ["it called exit(0)", "it starts again"], "answers": {"method": {"error": [-4]}, "check": {"error": [-4]}, "setconfig": {"error": [-4]}, "hook": {"result": {"result": "continue"}}}
(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (call $exit (i32.const 0)) (unreachable))
(func (export "cln:guest/plugin@0.1.0#check") (param i64 i32 i32 i32 i32) (result i32) (call $exit (i32.const 0)) (unreachable))
(func (export "cln:guest/plugin@0.1.0#setconfig") (param i64 i32 i32 i32 i32 i32 i32) (result i32) (call $exit (i32.const 0)) (unreachable))
(func (export "cln:guest/plugin@0.1.0#notification") (param i32 i32 i32 i32 i32 i32 i32) (call $exit (i32.const 0)))
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (call $exit (i32.const 0)) (unreachable))
