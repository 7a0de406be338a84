;; A memory of 100 MiB from the start, where 16 are allowed.
;;! "left-out": true, "expect": ["it wanted more memory than the 16777216 bytes that limits.memory_bytes allows"]
(memory (export "memory") 1600)
