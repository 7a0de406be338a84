;; A function with more locals than WebAssembly has.
;;! "left-out": true, "expect": ["invalid WebAssembly"]
(func (;repeat 60000;)(local i64)(;end;))
