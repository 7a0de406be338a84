;; A guest without hook.
;;! "left-out": true, "expect": [""]
(module (memory (export "memory") 1)
  (func (export "cln:guest/plugin@0.1.0#run")))
