;; It subscribes to lightningd's log and logs a line for every line.
;;! "expect": [{"level": "info", "text": "seen"}], "manifest": {"subscriptions": ["log", "warning", "block_added"]}
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "seen")
(func (export "cln:guest/plugin@0.1.0#notification") (param i32 i32 i32 i32 i32 i32 i32)
  (call $log (i32.const 2) (i32.const 800) (i32.const 4))
  (call $log (i32.const 3) (i32.const 800) (i32.const 4)))
