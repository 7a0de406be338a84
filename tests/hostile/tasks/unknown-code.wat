;; A hook's task ends with a code that means nothing.
;;! "expect": ["it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "[export]cln:guest/plugin@0.1.0" "[task-return]hook" (func $return (param i32 i32 i32)))
(func (export "[async-lift]cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (i32.const 15))
(func (export "[callback][async-lift]cln:guest/plugin@0.1.0#hook") (param i32 i32 i32) (result i32) (unreachable))
