;; The background task calls pay without end, which it is not granted.
;;! "expect": ["denied: RPC call pay is not granted", "log lines over limits.log_bytes_per_second are dropped"], "rpc": ["getinfo"], "policy": {"limits": {"log_bytes_per_second": 2000}}
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 800) "pay")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#run")
  (loop (call $call (i64.const 0) (i32.const 800) (i32.const 3) (i32.const 1088) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512)) (br 0)))
