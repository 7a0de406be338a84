;; A hook logs a text that is none.
;;! "texts": true, "expect": ["%WHY%", "it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (call $log (i32.const 2) (i32.const %PTR%) (i32.const %LEN%)) (unreachable))
