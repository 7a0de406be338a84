;; 20 MiB of data, where the guest may have 16 MiB of memory.
;;! "left-out": true, "expect": ["memory"]
(memory (export "memory") 400)
(data (i32.const 131072) "(;repeat 655360;)0123456789abcdef0123456789abcdef(;end;)")
