;; A guest disables itself in init, and its reason is no text.
;;! "texts": true, "expect": ["%WHY%", "it starts again"], "answers": {"method": {"error": [-4, -3]}}
(func (export "cln:guest/plugin@0.1.0#init") (param i32 i32) (result i32)
  (i32.store (i32.const 64) (i32.const 1))
  (i32.store (i32.const 68) (i32.const %PTR%))
  (i32.store (i32.const 72) (i32.const %LEN%))
  (i32.const 64))
