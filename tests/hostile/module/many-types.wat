;; More types than the validator takes.
;;! "left-out": true, "expect": ["types"]
(;repeat 1000100;)(type (func))(;end;)
