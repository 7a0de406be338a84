;; A function of WASI that there is not.
;;! "left-out": true, "expect": ["which is not offered"]
(import "wasi_snapshot_preview1" "proc_exec" (func (param i32) (result i32)))
