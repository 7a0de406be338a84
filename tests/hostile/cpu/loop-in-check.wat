;; check never ends.
;;! "expect": ["ms of CPU", "it starts again"], "answers": {"check": {"error": [-4, -3]}}
(func (export "cln:guest/plugin@0.1.0#check") (param i64 i32 i32 i32 i32) (result i32)
  (loop (br 0)) (unreachable))
