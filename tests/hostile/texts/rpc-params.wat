;; A method calls the node with a params that is no text.
;;! "texts": true, "expect": ["%WHY%", "it starts again"], "answers": {"method": {"error": [-4]}}
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call $call (local.get 0) (i32.const 1088) (i32.const 2) (i32.const %PTR%) (i32.const %LEN%)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
  (unreachable))
(data (i32.const 1088) "{}")
