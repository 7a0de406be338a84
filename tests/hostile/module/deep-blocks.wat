;; Fifty thousand blocks in each other: whoever reads or compiles them by calling itself falls over. They are allowed.
;;! "expect": [{"level": "info", "text": "runs here"}]
(func (param i32) (;repeat 50000;)block local.get 0 br_if %I% (;end;)(;repeat 50000;)end (;end;))
