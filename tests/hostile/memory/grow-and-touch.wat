;; A hook takes all the memory that it can get, writes to every page, and then answers.
;;! "expect": [{"level": "info", "text": "runs here"}], "answers": {"hook": {"result": {"result": "continue"}}}, "policy": {"limits": {"cpu_per_call_ms": 1000}}
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (local $at i32)
  (block $full (loop (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1))) (br 0)))
  (local.set $at (i32.const 262144))
  (loop
    (i64.store (local.get $at) (i64.const 1))
    (local.set $at (i32.add (local.get $at) (i32.const 4096)))
    (br_if 0 (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
  (i32.store (i32.const 320) (i32.const 0))
  (i32.store (i32.const 324) (i32.const 1024))
  (i32.store (i32.const 328) (i32.const 21))
  (i32.const 320))
(data (i32.const 1024) "{\"result\":\"continue\"}")
