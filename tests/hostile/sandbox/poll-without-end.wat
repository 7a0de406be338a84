;; A hook waits for a clock of WASI to come to the end of time.
;;! "expect": ["hook peer_connected: did not answer within 1000 ms"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 616) (i32.const 1))
  (i64.store (i32.const 624) (i64.const 0x7fffffffffffffff))
  (drop (call $poll (i32.const 600) (i32.const 700) (i32.const 1) (i32.const 512)))
  (unreachable))
