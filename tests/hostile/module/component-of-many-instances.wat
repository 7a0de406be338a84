;; A component that instantiates one module ten thousand times.
;;! "left-out": true, "expect": [""]
(component (core module $m (memory 1)) (;repeat 9000;)(core instance (instantiate $m))(;end;))
