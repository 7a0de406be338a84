;; More globals than a guest may have.
;;! "left-out": true, "expect": ["globals, more than the 100000 allowed"]
(;repeat 100100;)(global i64 (i64.const %I%))(;end;)
