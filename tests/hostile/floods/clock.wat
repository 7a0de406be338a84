;; The background task reads the clock ten thousand times, sleeps 1 ms, and begins anew.
;;! "expect": [{"level": "info", "text": "runs here"}]
(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(func (export "cln:guest/plugin@0.1.0#run") (local $n i32)
  (loop
    (local.set $n (i32.const 10000))
    (loop (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 512)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $sleep (i64.const 1) (i32.const 65504)) (br 0)))
