;; A table of ten million elements from the start: 80 MB that no memory limit counts.
;;! "left-out": true, "expect": ["table elements"]
(table 10000000 funcref)
