;; The background task sleeps for 0 ms, for ever: it comes back each time, and never rests.
;;! "expect": [{"level": "info", "text": "begins"}]
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "begins")
(func (export "cln:guest/plugin@0.1.0#run")
  (call $log (i32.const 2) (i32.const 800) (i32.const 6))
  (loop (call $sleep (i64.const 0) (i32.const 65504)) (br 0)))
