;; A hook calls itself without end.
;;! "expect": ["call stack exhausted", "it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(func $f (param i64) (result i64) (i64.add (call $f (i64.add (local.get 0) (i64.const 1))) (local.get 0)))
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (i32.wrap_i64 (call $f (local.get 0))))
