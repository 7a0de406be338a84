;; It traps at every init.
;;! "expect": ["unreachable", "4 faults within", "quarantined until the bridge starts again"], "policy": {"on-fault.restart": {"times": 3}}, "answers": {"method": {"error": [-4]}}
(func (export "cln:guest/plugin@0.1.0#init") (param i32 i32) (result i32) (unreachable))
