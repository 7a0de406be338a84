;; init waits for something that never comes, in every life.
;;! "expect": ["did not answer within 1000 ms", "quarantined"], "policy": {"limits.deadline": {"init": "1 s"}, "on-fault.restart": {"times": 1}}, "answers": {"method": {"error": [-4, -3]}}
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(func (export "cln:guest/plugin@0.1.0#init") (param i32 i32) (result i32) (call $sleep (i64.const -1) (i32.const 65504)) (unreachable))
