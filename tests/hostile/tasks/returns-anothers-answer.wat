;; A hook answers with what is the answer of a method.
;;! "expect": ["it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "[export]cln:guest/plugin@0.1.0" "[task-return]hook" (func $return (param i32 i32 i32)))
(import "[export]cln:guest/plugin@0.1.0" "[task-return]getmanifest" (func $manifest (param i32 i32)))
(data (i32.const 1024) "{\"result\":\"continue\"}")
(func (export "[async-lift]cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (call $manifest (i32.const 1024) (i32.const 21)) (i32.const 0))
(func (export "[callback][async-lift]cln:guest/plugin@0.1.0#hook") (param i32 i32 i32) (result i32) (unreachable))
