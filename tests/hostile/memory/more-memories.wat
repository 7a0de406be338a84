;; A thousand memories.
;;! "left-out": true, "expect": ["memories"]
(memory (export "memory") 40)
(;repeat 1000;)(memory 0)(;end;)
