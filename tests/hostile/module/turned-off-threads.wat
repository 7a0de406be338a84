;; Code that no guest needs and that is turned off: shared memory.
;;! "left-out": true, "expect": ["invalid WebAssembly"]
(memory 1 1 shared)
