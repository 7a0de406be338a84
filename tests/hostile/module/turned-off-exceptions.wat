;; Code that no guest needs and that is turned off: exceptions.
;;! "left-out": true, "expect": ["invalid WebAssembly"]
(tag (param i32))
