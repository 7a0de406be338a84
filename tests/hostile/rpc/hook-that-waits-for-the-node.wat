;; A hook that never returns, because it waits for a call that the node does not answer.
;;! "expect": ["hook peer_connected: did not answer within 1000 ms"], "rpc": ["hostile-wait"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 800) "hostile-wait")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (call $call (local.get 0) (i32.const 800) (i32.const 12) (i32.const 1088) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
  (unreachable))
