;; check fails, and the message is no text.
;;! "texts": true, "expect": ["%WHY%", "it starts again"], "answers": {"check": {"error": [-4]}}
(func (export "cln:guest/plugin@0.1.0#check") (param i64 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 192) (i32.const 1))
  (i32.store (i32.const 208) (i32.const %PTR%))
  (i32.store (i32.const 212) (i32.const %LEN%))
  (i32.store (i32.const 216) (i32.const 0))
  (i32.const 192))
