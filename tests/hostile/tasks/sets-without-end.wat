;; The background task makes sets to wait for without end, and drops none: they are in the bridge's memory, not in the guest's.
;;! "expect": ["it starts again"]
(import "$root" "[waitable-set-new]" (func $set (result i32)))
(func (export "cln:guest/plugin@0.1.0#run") (loop (drop (call $set)) (br 0)))
