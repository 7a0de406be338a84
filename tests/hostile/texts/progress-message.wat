;; A method sends a message to its client that is no text.
;;! "texts": true, "expect": ["%WHY%", "it starts again"], "answers": {"method": {"error": [-4]}}
(import "cln:guest/progress@0.1.0" "message" (func $message (param i64 i32 i32 i32)))
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call $message (local.get 0) (i32.const 2) (i32.const %PTR%) (i32.const %LEN%)) (unreachable))
