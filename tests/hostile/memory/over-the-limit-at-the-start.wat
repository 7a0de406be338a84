;; A memory of 100 MiB from the start, where 16 are allowed.
;;! "left-out": true, "expect": ["memory"]
(memory (export "memory") 1600)
