;; A method reads a key that is no text.
;;! "texts": true, "kv": true, "expect": ["%WHY%", "it starts again"], "answers": {"method": {"error": [-4]}}
(import "cln:guest/kv@0.1.0" "get" (func $get (param i32 i32 i32)))
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call $get (i32.const %PTR%) (i32.const %LEN%) (i32.const 512))
  (unreachable))
