;; The background task burns a while, sleeps 1 ms and begins anew: never long enough to be ended.
;;! "expect": [{"level": "info", "text": "begins"}]
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "begins")
(func (export "cln:guest/plugin@0.1.0#run") (local $n i32)
  (call $log (i32.const 2) (i32.const 800) (i32.const 6))
  (loop
    (local.set $n (i32.const 10000000))
    (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $sleep (i64.const 1) (i32.const 65504))
    (br 0)))
