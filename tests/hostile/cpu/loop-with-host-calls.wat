;; A hook that logs without end: every turn goes out to the bridge and comes back.
;;! "expect": ["ms of CPU", "it starts again", "log lines over limits.log_bytes_per_second are dropped"]
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "again")
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (loop (call $log (i32.const 1) (i32.const 800) (i32.const 5)) (br 0)) (unreachable))
