;; A function with fifty thousand locals that are all alive at the same time.
;;! "left-out": true, "alone": true, "expect": ["compil"], "policy": {"limits": {"compile_time_ms": "1 s", "compile_memory_bytes": "512 MiB"}}
(func (param i64) (;repeat 49000;)(local $l%I% i64)(;end;)
(;repeat 49000;)(local.set $l%I% (i64.add (local.get 0) (i64.const %I%)))(;end;)
(loop (;repeat 49000;)(local.set $l%I% (i64.add (local.get $l%I%) (local.get 0)))(;end;) (br_if 0 (i64.eqz (local.get $l7)))))
