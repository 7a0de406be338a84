;; The background task reads without end from a store that it is not granted.
;;! "expect": ["denied: key-value store", "log lines over limits.log_bytes_per_second are dropped"], "policy": {"limits": {"log_bytes_per_second": 2000}}
(import "cln:guest/kv@0.1.0" "get" (func $get (param i32 i32 i32)))
(data (i32.const 800) "key")
(func (export "cln:guest/plugin@0.1.0#run")
  (loop (call $get (i32.const 800) (i32.const 3) (i32.const 512)) (br 0)))
