;; getmanifest waits for something that never comes.
;;! "left-out": true, "expect": ["did not answer within 1000 ms"], "policy": {"limits.deadline": {"getmanifest": "1 s"}}
(import "$root" "[waitable-set-new]" (func $set (result i32)))
(func (export "[async-lift]cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4))))
(func (export "[callback][async-lift]cln:guest/plugin@0.1.0#getmanifest") (param i32 i32 i32) (result i32) (unreachable))
