;; A manifest of 100 MB, from a guest that may have the memory for it.
;;! "left-out": true, "alone": true, "expect": ["fuel"], "policy": {"limits": {"memory_bytes": "128 MiB"}}
(memory (export "memory") 1700)
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (memory.fill (i32.const 131072) (i32.const 32) (i32.const 100000000))
  (i32.store (i32.const 16) (i32.const 131072))
  (i32.store (i32.const 20) (i32.const 100000000))
  (i32.const 16))
