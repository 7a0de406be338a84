;; A component of more modules than any guest has.
;;! "left-out": true, "expect": ["modules, more than the 200 allowed"]
(component (;repeat 1000;)(core module)(;end;))
