;; init never ends, in every life.
;;! "expect": ["ms of CPU", "starts again"], "answers": {"method": {"error": [-4, -3]}}
(func (export "cln:guest/plugin@0.1.0#init") (param i32 i32) (result i32)
  (loop (br 0)) (unreachable))
