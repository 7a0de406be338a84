;; A hook says that it was cancelled, and nobody cancelled it.
;;! "expect": ["it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "[export]cln:guest/plugin@0.1.0" "[task-return]hook" (func $return (param i32 i32 i32)))
(import "[export]$root" "[task-cancel]" (func $cancel))
(func (export "[async-lift]cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (call $cancel) (i32.const 0))
(func (export "[callback][async-lift]cln:guest/plugin@0.1.0#hook") (param i32 i32 i32) (result i32) (unreachable))
