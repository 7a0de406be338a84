;; Nine memories: each takes 4 GiB of address space.
;;! "left-out": true, "expect": ["memor"]
(memory (export "memory") 40)
(;repeat 8;)(memory 1)(;end;)
