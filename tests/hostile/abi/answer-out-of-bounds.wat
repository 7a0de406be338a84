;; A method's answer lies at the very end of the memory, and past it.
;;! "expect": ["out of bounds", "it starts again"], "answers": {"method": {"error": [-4]}}
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 2621432))
