;; The background task's callback never ends.
;;! "expect": ["ms of CPU", "it starts again"]
(func (export "[async-lift]cln:guest/plugin@0.1.0#run") (result i32) (i32.const 1))
(func (export "[callback][async-lift]cln:guest/plugin@0.1.0#run") (param i32 i32 i32) (result i32)
  (loop (br 0)) (unreachable))
