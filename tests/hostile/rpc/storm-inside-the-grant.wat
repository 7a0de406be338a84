;; The background task calls getinfo without end, which it is granted: one call after the other.
;;! "expect": [{"level": "info", "text": "runs here"}], "rpc": ["getinfo"]
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 800) "getinfo")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#run")
  (loop (call $call (i64.const 0) (i32.const 800) (i32.const 7) (i32.const 1088) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512)) (br 0)))
