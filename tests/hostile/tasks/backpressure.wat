;; It says that it takes no more calls, and never takes it back.
;;! "expect": ["did not answer within 1000 ms"], "answers": {"hook": {"result": {"result": "continue"}}}
(import "$root" "[backpressure-inc]" (func $inc))
(func (export "cln:guest/plugin@0.1.0#run") (call $inc))
