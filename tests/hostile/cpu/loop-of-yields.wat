;; The background task gives way at every turn and never ends: no turn is long enough to count as a loop.
;;! "expect": [{"level": "info", "text": "begins"}]
(import "$root" "[thread-yield]" (func $yield (result i32)))
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "begins")
(func (export "cln:guest/plugin@0.1.0#run")
  (call $log (i32.const 2) (i32.const 800) (i32.const 6))
  (loop (drop (call $yield)) (br 0)))
