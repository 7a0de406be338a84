;; A method cancels calls of its own that have not ended, ten thousand times over.
;;! "expect": [{"level": "info", "text": "runs here"}], "policy": {"limits": {"cpu_per_call_ms": 2000}}
(import "cln:guest/timer@0.1.0" "[async-lower]sleep" (func $sleep (param i64 i32) (result i32)))
(import "$root" "[subtask-drop]" (func $drop (param i32)))
(import "$root" "[subtask-cancel]" (func $cancel (param i32) (result i32)))
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (local $n i32) (local $task i32)
  (local.set $n (i32.const 10000))
  (loop
    (local.set $task (i32.shr_u (call $sleep (i64.const 100000) (i32.const 65504)) (i32.const 4)))
    (drop (call $cancel (local.get $task))) (call $drop (local.get $task))
    (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 136) (i32.const 1088)) (i32.store (i32.const 140) (i32.const 2))
  (i32.const 128))
