;; A function of the bridge with other parameters than it has.
;;! "left-out": true, "expect": ["cannot be made a component"]
(import "cln:guest/log@0.1.0" "log" (func (param i64)))
