;; Code that no guest needs and that is turned off: types of the garbage collector.
;;! "left-out": true, "expect": ["invalid WebAssembly"]
(type (struct (field i32)))
