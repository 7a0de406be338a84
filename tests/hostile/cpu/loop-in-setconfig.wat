;; setconfig never ends.
;;! "expect": ["ms of CPU", "it starts again"], "answers": {"setconfig": {"error": [-4, -3]}}
(func (export "cln:guest/plugin@0.1.0#setconfig") (param i64 i32 i32 i32 i32 i32 i32) (result i32)
  (loop (br 0)) (unreachable))
