;; Code that no guest needs and that is turned off: references of the host.
;;! "left-out": true, "expect": ["invalid WebAssembly"]
(table 1 externref)
