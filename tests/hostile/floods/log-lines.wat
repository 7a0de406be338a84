;; The background task logs a thousand lines every 5 ms.
;;! "expect": ["log lines over limits.log_bytes_per_second are dropped"]
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(data (i32.const 800) "a line of the flood")
(func (export "cln:guest/plugin@0.1.0#run") (local $n i32)
  (loop
    (local.set $n (i32.const 1000))
    (loop (call $log (i32.const 2) (i32.const 800) (i32.const 19))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $sleep (i64.const 5) (i32.const 65504)) (br 0)))
