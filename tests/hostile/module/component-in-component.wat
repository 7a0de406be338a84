;; Components in each other, ninety deep.
;;! "left-out": true, "expect": ["invalid WebAssembly"]
(component (;repeat 90;)(component (;end;)(;repeat 90;))(;end;))
