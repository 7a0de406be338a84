;; A method lists what begins with what is no text.
;;! "texts": true, "kv": true, "expect": ["%WHY%", "it starts again"], "answers": {"method": {"error": [-4]}}
(import "cln:guest/kv@0.1.0" "list" (func $list (param i32 i32 i32 i32 i32 i32 i32 i32)))
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call $list (i32.const %PTR%) (i32.const %LEN%) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 1)
    (i32.const 512))
  (unreachable))
