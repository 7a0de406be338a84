;; A method sends notifications of topics that are lightningd's, another plugin's, or the bridge's way to lightningd's log.
;;! "expect": ["denied: topic "], "variants": {
;;!   "native": {"TOPIC": "invoice_payment"}, "log": {"TOPIC": "log"}, "progress": {"TOPIC": "progress"}, "message": {"TOPIC": "message"},
;;!   "shutdown": {"TOPIC": "shutdown"}, "newline": {"TOPIC": "a\n\nb"}, "empty": {"TOPIC": ""}, "any": {"TOPIC": "*"}
;;! }
(import "cln:guest/notification@0.1.0" "notify" (func $notify (param i32 i32 i32 i32 i32)))
(data (i32.const 800) "%TOPIC:data%")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call $notify (i32.const 800) (i32.const %TOPIC:length%) (i32.const 1088) (i32.const 2) (i32.const 512))
  (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 136) (i32.const 1088)) (i32.store (i32.const 140) (i32.const 2))
  (i32.const 128))
