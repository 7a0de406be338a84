;; A method drops a call of its own that has not ended.
;;! "expect": ["it starts again"], "answers": {"method": {"error": [-4]}}
(import "cln:guest/timer@0.1.0" "[async-lower]sleep" (func $sleep (param i64 i32) (result i32)))
(import "$root" "[subtask-drop]" (func $drop (param i32)))
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call $drop (i32.shr_u (call $sleep (i64.const 100000) (i32.const 65504)) (i32.const 4))) (unreachable))
