;; A method reports progress ten thousand times before it answers: each would be a message of lightningd's to the client.
;;! "expect": [{"level": "info", "text": "runs here"}], "answers": {"method": {"result": {}}}, "policy": {"limits": {"cpu_per_call_ms": 1000}}
(import "cln:guest/progress@0.1.0" "progress" (func $progress (param i64 i32 i32 i32 i32 i32)))
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (local $n i32)
  (local.set $n (i32.const 10000))
  (loop (call $progress (local.get 0) (local.get $n) (i32.const 0) (i32.const 1) (i32.const -1) (i32.const 0))
    (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 136) (i32.const 1088)) (i32.store (i32.const 140) (i32.const 2))
  (i32.const 128))
