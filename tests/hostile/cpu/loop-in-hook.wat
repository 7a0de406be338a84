;; A hook never ends.
;;! "expect": ["hook peer_connected: ", "ms of CPU", "it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (loop (br 0)) (unreachable))
