;; setconfig fails, and the message is no text.
;;! "texts": true, "expect": ["%WHY%", "it starts again"], "answers": {"setconfig": {"error": [-4]}}
(func (export "cln:guest/plugin@0.1.0#setconfig") (param i64 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 256) (i32.const 1))
  (i32.store (i32.const 272) (i32.const %PTR%))
  (i32.store (i32.const 276) (i32.const %LEN%))
  (i32.store (i32.const 280) (i32.const 0))
  (i32.const 256))
