;; More functions than any guest has.
;;! "left-out": true, "expect": ["functions, more than the 200000 allowed"]
(;repeat 200100;)(func)(;end;)
