;; Code that no guest needs and that is turned off: a memory of 64 bits.
;;! "left-out": true, "expect": ["invalid WebAssembly"]
(memory i64 1)
