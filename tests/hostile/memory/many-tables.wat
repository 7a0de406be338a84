;; A hundred tables.
;;! "left-out": true, "expect": ["tables"]
(;repeat 200;)(table 1 funcref)(;end;)
