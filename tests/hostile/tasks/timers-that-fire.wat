;; Five thousand timers that all fire in the same moment, again and again.
;;! "expect": [{"level": "info", "text": "runs here"}], "policy": {"limits": {"cpu_per_call_ms": 1000}}
(import "cln:guest/timer@0.1.0" "[async-lower]sleep" (func $begin (param i64 i32) (result i32)))
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(import "$root" "[subtask-drop]" (func $drop (param i32)))
(func (export "cln:guest/plugin@0.1.0#run") (local $n i32)
  (loop
    (local.set $n (i32.const 900))
    (loop (drop (call $begin (i64.const 20) (i32.const 65504)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $sleep (i64.const 50) (i32.const 65504))
    (br 0)))
