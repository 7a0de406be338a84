;; It says so a hundred thousand times, and takes back more than it said.
;;! "expect": ["it starts again"], "variants": {
;;!   "up": {"DO": "(loop (call $inc) (br 0))"}, "down": {"DO": "(call $dec)"}
;;! }
(import "$root" "[backpressure-inc]" (func $inc))
(import "$root" "[backpressure-dec]" (func $dec))
(func (export "cln:guest/plugin@0.1.0#run") %DO%)
