;; A hook waits for a set in which there is nothing, for ever: its calls pile up until the guest is replaced.
;;! "rounds": 4, "expect": ["hook peer_connected: did not answer within 1000 ms", "it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}, "policy": {"limits": {"calls_overdue": 2}}
(import "[export]cln:guest/plugin@0.1.0" "[task-return]hook" (func $return (param i32 i32 i32)))
(import "$root" "[waitable-set-new]" (func $set (result i32)))
(func (export "[async-lift]cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4))))
(func (export "[callback][async-lift]cln:guest/plugin@0.1.0#hook") (param i32 i32 i32) (result i32) (unreachable))
