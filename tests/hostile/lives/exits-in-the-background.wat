;; Every life ends itself with success as soon as it has begun.
;;! "expect": ["it called exit(0)", "quarantined"], "policy": {"on-fault.restart": {"times": 5}}
(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
(func (export "cln:guest/plugin@0.1.0#run") (call $exit (i32.const 0)))
