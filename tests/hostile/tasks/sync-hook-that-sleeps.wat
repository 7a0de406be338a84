;; A hook that is not async sleeps for ever: no other call can enter the guest, and each gets its answer at its deadline.
;;! "expect": ["hook peer_connected: did not answer within 1000 ms", "did not answer within 1000 ms"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (call $sleep (i64.const -1) (i32.const 65504)) (unreachable))
