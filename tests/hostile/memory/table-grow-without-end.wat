;; A method grows a table by four thousand million elements, for ever.
;;! "expect": ["ms of CPU", "it starts again"], "answers": {"method": {"error": [-4, -3]}}
(table $t 1 funcref)
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (loop (drop (table.grow $t (ref.null func) (i32.const -2))) (br 0)) (unreachable))
