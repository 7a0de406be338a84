;; getmanifest never ends.
;;! "left-out": true, "expect": ["ms of CPU"]
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (loop (br 0)) (unreachable))
