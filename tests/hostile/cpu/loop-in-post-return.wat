;; A hook answers, and then never ends: in what the engine calls to free the answer.
;;! "expect": ["ms of CPU", "it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}
(func (export "cabi_post_cln:guest/plugin@0.1.0#hook") (param i32) (loop (br 0)))
