;; A module that is larger than limits.module_bytes.
;;! "left-out": true, "expect": ["limits.module_bytes is 1048576"], "policy": {"limits": {"module_bytes": "1 MiB"}}
(memory (export "memory") 40)
(data (i32.const 131072) "(;repeat 65536;)0123456789abcdef0123456789abcdef(;end;)")
