;; A program with a main function, where a guest is a library.
;;! "left-out": true, "bare": true, "expect": ["It is a command (it exports _start)"]
(module (memory (export "memory") 1) (func (export "_start")))
