;; It raises SIGKILL.
;;! "left-out": true, "expect": [""]
(import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
(func (export "_initialize") (drop (call $raise (i32.const 9))) (unreachable))
