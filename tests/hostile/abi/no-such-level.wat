;; A hook logs at a level that there is not.
;;! "expect": ["it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (call $log (i32.const 99) (i32.const 0) (i32.const 1)) (unreachable))
