;; A hook's answer is no text.
;;! "texts": true, "expect": ["%WHY%", "it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 320) (i32.const 0))
  (i32.store (i32.const 324) (i32.const %PTR%))
  (i32.store (i32.const 328) (i32.const %LEN%))
  (i32.const 320))
