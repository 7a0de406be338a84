;; A hook's answer lies at an address that its type forbids.
;;! "expect": ["aligned", "it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (i32.const 321))
