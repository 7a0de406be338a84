;; A component with ten thousand functions: it is allowed, and runs.
;;! "expect": [{"level": "info", "text": "runs here"}], "policy": {"limits": {"compile_time_ms": "60 s"}}
(;repeat 10000;)(func $f%I% (param i32) (result i32) (i32.add (local.get 0) (i32.const %I%)))
(;end;)
