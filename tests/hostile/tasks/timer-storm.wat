;; The background task sets timers without end, thousands at a time, and waits for none.
;;! "expect": ["it starts again"]
(import "cln:guest/timer@0.1.0" "[async-lower]sleep" (func $sleep (param i64 i32) (result i32)))
(func (export "cln:guest/plugin@0.1.0#run")
  (loop (drop (call $sleep (i64.const 1000000) (i32.const 65504))) (br 0)))
