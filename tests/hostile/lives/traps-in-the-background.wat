;; Every life traps as soon as it has begun, and the operator lets it start again for ever.
;;! "expect": ["unreachable", "it starts again"]
(func (export "cln:guest/plugin@0.1.0#run") (unreachable))
