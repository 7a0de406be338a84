;; The background task's callback asks to be called again at once, for ever (code 1, YIELD).
;;! "expect": [{"level": "info", "text": "begins"}]
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "begins")
(func (export "[async-lift]cln:guest/plugin@0.1.0#run") (result i32)
  (call $log (i32.const 2) (i32.const 800) (i32.const 6))
  (i32.const 1))
(func (export "[callback][async-lift]cln:guest/plugin@0.1.0#run") (param i32 i32 i32) (result i32)
  (i32.const 1))
