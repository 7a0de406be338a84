;; A method's result is no text.
;;! "texts": true, "expect": ["%WHY%", "it starts again"], "answers": {"method": {"error": [-4]}}
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 128) (i32.const 0))
  (i32.store (i32.const 136) (i32.const %PTR%))
  (i32.store (i32.const 140) (i32.const %LEN%))
  (i32.const 128))
