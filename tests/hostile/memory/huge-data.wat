;; A data segment that is larger than the memory that it is to be copied to.
;;! "left-out": true, "expect": ["out of bounds memory access"]
(data (i32.const 2621000) "(;repeat 1000;)0123456789abcdef(;end;)")
