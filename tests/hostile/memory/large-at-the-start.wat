;; A tiny module whose memory has 4 GiB from the start.
;;! "left-out": true, "expect": ["bytes of initial memory"]
(memory (export "memory") 65536)
