;; Code that no guest needs and that is turned off: tail calls.
;;! "left-out": true, "expect": ["invalid WebAssembly"]
(func $f return_call $f)
