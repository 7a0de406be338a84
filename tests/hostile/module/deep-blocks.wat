;; Fifty thousand blocks in each other.
;;! "left-out": true, "expect": ["compil"], "policy": {"limits": {"compile_time_ms": "2 s"}}
(func (param i32) (;repeat 50000;)block local.get 0 br_if %I% (;end;)(;repeat 50000;)end (;end;))
