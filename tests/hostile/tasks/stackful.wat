;; A hook that wants a stack of its own, which is turned off.
;;! "left-out": true, "expect": ["cannot be compiled"]
(import "[export]cln:guest/plugin@0.1.0" "[task-return]hook" (func $return (param i32 i32 i32)))
(func (export "[async-lift-stackful]cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32))
