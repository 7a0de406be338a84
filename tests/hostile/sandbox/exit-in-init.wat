;; init ends the program, with an error.
;;! "expect": ["it called exit(1)", "quarantined"], "policy": {"on-fault.restart": {"times": 2}}, "answers": {"method": {"error": [-4]}}
(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
(func (export "cln:guest/plugin@0.1.0#init") (param i32 i32) (result i32) (call $exit (i32.const 1)) (unreachable))
