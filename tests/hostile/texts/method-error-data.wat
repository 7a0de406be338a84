;; A method fails, and the data of its error are no text.
;;! "texts": true, "expect": ["%WHY%", "it starts again"], "answers": {"method": {"error": [-4]}}
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 128) (i32.const 1))
  (i64.store (i32.const 136) (i64.const -1))
  (i32.store (i32.const 144) (i32.const 1088))
  (i32.store (i32.const 148) (i32.const 2))
  (i32.store (i32.const 152) (i32.const 1))
  (i32.store (i32.const 156) (i32.const %PTR%))
  (i32.store (i32.const 160) (i32.const %LEN%))
  (i32.const 128))
(data (i32.const 1088) "{}")
