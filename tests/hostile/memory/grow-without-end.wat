;; A method asks for memory for ever, also when there is none left.
;;! "expect": ["ms of CPU", "it starts again"], "answers": {"method": {"error": [-4, -3]}}
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (loop (drop (memory.grow (i32.const 1))) (br 0)) (unreachable))
