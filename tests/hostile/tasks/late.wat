;; A hook answers after its deadline, and the next time, too: the late answer must not be taken for another's.
;;! "expect": ["hook peer_connected: did not answer within 1000 ms"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "[export]cln:guest/plugin@0.1.0" "[task-return]hook" (func $return (param i32 i32 i32)))
(import "cln:guest/timer@0.1.0" "[async-lower]sleep" (func $sleep (param i64 i32) (result i32)))
(import "$root" "[waitable-set-new]" (func $set (result i32)))
(import "$root" "[waitable-join]" (func $join (param i32 i32)))
(data (i32.const 1024) "{\"result\":\"disconnect\",\"error_message\":\"late\"}")
(func (export "[async-lift]cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (local $set i32)
  (local.set $set (call $set))
  (call $join (i32.shr_u (call $sleep (i64.const 1300) (i32.const 65504)) (i32.const 4)) (local.get $set))
  (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
(func (export "[callback][async-lift]cln:guest/plugin@0.1.0#hook") (param i32 i32 i32) (result i32)
  (call $return (i32.const 0) (i32.const 1024) (i32.const 46)) (i32.const 0))
