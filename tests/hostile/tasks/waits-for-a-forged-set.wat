;; A hook waits for a set that there is not.
;;! "expect": ["it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "[export]cln:guest/plugin@0.1.0" "[task-return]hook" (func $return (param i32 i32 i32)))
(func (export "[async-lift]cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (i32.or (i32.const 2) (i32.shl (i32.const 123456) (i32.const 4))))
(func (export "[callback][async-lift]cln:guest/plugin@0.1.0#hook") (param i32 i32 i32) (result i32) (unreachable))
