;; A function out of a module that nobody offers.
;;! "left-out": true, "expect": ["imports env system, which is not offered"]
(import "env" "system" (func (param i32) (result i32)))
