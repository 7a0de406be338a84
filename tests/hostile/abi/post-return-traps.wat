;; A hook answers, and traps in what the engine calls to free the answer.
;;! "expect": ["unreachable", "it starts again"]
(func (export "cabi_post_cln:guest/plugin@0.1.0#hook") (param i32) (unreachable))
