;; A manifest that is no text.
;;! "texts": true, "left-out": true, "expect": ["%WHY%"]
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const %PTR%))
  (i32.store (i32.const 20) (i32.const %LEN%))
  (i32.const 16))
