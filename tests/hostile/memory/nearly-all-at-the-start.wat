;; A tiny module that takes all it may before it runs, and writes to all of it in its start function.
;;! "expect": [{"level": "info", "text": "runs here"}], "policy": {"limits": {"cpu_per_call_ms": 1000}}
(memory (export "memory") 255)
(start $fill)
(func $fill (memory.fill (i32.const 131072) (i32.const 1) (i32.const 16580608)))
