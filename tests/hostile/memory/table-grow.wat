;; A hook grows its table until it gets no more, and answers.
;;! "expect": [{"level": "info", "text": "runs here"}], "answers": {"hook": {"result": {"result": "continue"}}}, "policy": {"limits": {"cpu_per_call_ms": 1000}}
(table $t 1 funcref)
(data (i32.const 1024) "{\"result\":\"continue\"}")
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (block $full (loop
    (br_if $full (i32.eq (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1))) (br 0)))
  (i32.store (i32.const 320) (i32.const 0))
  (i32.store (i32.const 324) (i32.const 1024))
  (i32.store (i32.const 328) (i32.const 21))
  (i32.const 320))
