;; A component of more components than any guest has.
;;! "left-out": true, "expect": ["components, more than the 100 allowed"]
(component (;repeat 200;)(component)(;end;))
