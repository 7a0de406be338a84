;; The background task sends a hundred notifications every 5 ms: lightningd would queue them all.
;;! "expect": [{"level": "info", "text": "limit"}]
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(import "cln:guest/notification@0.1.0" "notify" (func $notify (param i32 i32 i32 i32 i32)))
(data (i32.const 800) "%NAME%-topic")
(data (i32.const 840) "limit")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#run") (local $n i32)
  (loop
    (local.set $n (i32.const 100))
    (loop (call $notify (i32.const 800) (i32.const 19) (i32.const 1088) (i32.const 2) (i32.const 512))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    ;; Refused, because there were too many.
    (if (i32.and (i32.eq (i32.load8_u (i32.const 512)) (i32.const 1)) (i32.eq (i32.load8_u (i32.const 516)) (i32.const 1)))
      (then (call $log (i32.const 2) (i32.const 840) (i32.const 5))))
    (call $sleep (i64.const 5) (i32.const 65504)) (br 0)))
