;; One function of a million instructions.
;;! "left-out": true, "alone": true, "expect": ["compil"], "policy": {"limits": {"compile_time_ms": "1 s", "compile_memory_bytes": "512 MiB"}}
(func (param $a i64) (param $b f64) (result i64)
(;repeat 250000;)(local.set $a (i64.mul (i64.add (local.get $a) (i64.const %I%)) (local.get $a)))(;end;)
(local.get $a))
