;; Components in each other, ninety deep.
;;! "left-out": true, "expect": ["does not export cln:guest"]
(component (;repeat 90;)(component (;end;)(;repeat 90;))(;end;))
