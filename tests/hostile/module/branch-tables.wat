;; A hundred thousand branch tables, of a hundred targets each.
;;! "left-out": true, "alone": true, "expect": ["compil"], "policy": {"limits": {"compile_time_ms": "1 s", "compile_memory_bytes": "512 MiB"}}
(;repeat 100000;)(func (param i32) (block (block (br_table 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 (local.get 0)))))(;end;)
