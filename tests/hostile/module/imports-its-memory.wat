;; Its memory comes from outside.
;;! "left-out": true, "expect": ["which is not offered"]
(import "env" "memory" (memory 1))
