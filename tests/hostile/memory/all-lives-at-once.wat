;; Every life takes all its memory, writes to it, and traps: the memory of one life must be gone before the next.
;;! "expect": ["unreachable", "it starts again"], "policy": {"limits": {"cpu_per_call_ms": 1000}, "on-fault.restart": {"times": 5, "pause": "500 ms", "longest_pause": "1 min"}}
(memory (export "memory") 250)
(func (export "cln:guest/plugin@0.1.0#run")
  (memory.fill (i32.const 131072) (i32.const 1) (i32.const 16000000)) (unreachable))
