;; Calls made in the name of ten thousand guessed calls, of other guests among them.
;;! "expect": [{"level": "info", "text": "runs here"}], "rpc": ["hostile-error"], "policy": {"limits": {"cpu_per_call_ms": 1000}}
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 800) "hostile-error")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#run") (local $id i64)
  (loop (call $call (local.get $id) (i32.const 800) (i32.const 13) (i32.const 1088) (i32.const 2)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
    (local.set $id (i64.add (local.get $id) (i64.const 1)))
    (br_if 0 (i64.lt_u (local.get $id) (i64.const 10000)))))
