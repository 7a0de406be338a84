;; It subscribes to its own topic and answers every notification with two.
;;! "expect": [{"level": "info", "text": "runs here"}], "manifest": {"subscriptions": ["%NAME%-topic", "block_added"]}
(import "cln:guest/notification@0.1.0" "notify" (func $notify (param i32 i32 i32 i32 i32)))
(data (i32.const 800) "%NAME%-topic")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#notification") (param i32 i32 i32 i32 i32 i32 i32)
  (call $notify (i32.const 800) (i32.const 15) (i32.const 1088) (i32.const 2) (i32.const 512))
  (call $notify (i32.const 800) (i32.const 15) (i32.const 1088) (i32.const 2) (i32.const 512)))
