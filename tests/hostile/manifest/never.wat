;; getmanifest waits for something that never comes.
;;! "left-out": true, "expect": ["did not answer within 1000 ms"], "policy": {"limits.deadline": {"getmanifest": "1 s"}}
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64)))
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (call $sleep (i64.const -1)) (unreachable))
