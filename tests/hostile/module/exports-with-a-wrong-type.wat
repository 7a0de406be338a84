;; A hook that takes other parameters than hooks do.
;;! "left-out": true, "expect": ["cannot be made a component"]
(func (export "cln:guest/plugin@0.1.0#hook") (param i32))
