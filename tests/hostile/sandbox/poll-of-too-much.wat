;; It waits for forty thousand things at once.
;;! "expect": ["it starts again"]
(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
(func (export "cln:guest/plugin@0.1.0#run")
  (drop (call $poll (i32.const 200000) (i32.const 200000) (i32.const 40000) (i32.const 512))) (unreachable))
